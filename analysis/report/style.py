"""The look of a report: light and dark, screen, phone and paper."""

STYLE = """
:root{color-scheme:light dark;--paper:#fbfbf9;--card:#fff;--ink:#1c2430;--soft:#586271;--faint:#e4e6e8;--line:#d4d8dc;
--accent:#8a3b12;--vocals:#c2492b;--drums:#9a7300;--bass:#2b6cb0;--other:#2a8466;--guitar:#a04c86;--piano:#5c7a1f;
--backing:#7457ad;--mixture:#5d6875;--song:#37475a;--published:#0b0f14}
@media screen and (prefers-color-scheme:dark){
:root{--paper:#14181d;--card:#1b2027;--ink:#e8ebee;--soft:#a3adb8;--faint:#2a313a;
--line:#39424d;--accent:#f0a27c;--vocals:#f08a6a;--drums:#dcb64a;--bass:#74aee8;--other:#63c7a2;--guitar:#dd92c4;
--piano:#a9c765;--backing:#b39ce6;--mixture:#a9b4c0;--song:#bcc8d6;--published:#fff}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue","Noto Sans","Liberation Sans",Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1120px;margin:0 auto;padding:40px 28px 64px}
h1{font-size:2.25rem;line-height:1.15;letter-spacing:-.02em;margin:0 0 20px;font-weight:650}
h2{font-size:1.4rem;line-height:1.25;letter-spacing:-.01em;margin:0 0 10px;font-weight:650}
h3{font-size:1rem;margin:26px 0 10px;font-weight:650}
h4{font-size:.95rem;margin:0;font-weight:650;display:flex;justify-content:space-between;gap:12px}
p,ul{margin:0 0 10px}
section{margin-top:48px;padding-top:26px;border-top:1px solid var(--line)}
.kicker{color:var(--accent);font-size:.8rem;
letter-spacing:.08em;text-transform:uppercase;font-weight:600;margin:0 0 6px}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(128px,1fr));gap:14px 20px;margin:0 0 14px}
.facts dt{color:var(--soft);font-size:.78rem}
.facts dd{margin:0;font-weight:600;overflow-wrap:anywhere;line-height:1.35}
.versions,.definition,.source,.legend{color:var(--soft);font-size:.8rem;line-height:1.45;overflow-wrap:anywhere}
nav{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:.85rem}
a{color:var(--accent)}
.unit{color:var(--soft);font-weight:400;font-size:.85em;white-space:nowrap}
code{color:var(--soft);font:.72rem/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;
overflow-wrap:anywhere}
.lead{display:grid;grid-template-columns:auto 1fr;gap:0 28px;align-items:center;margin-bottom:14px}
.big{margin:0;line-height:1}.big strong{font-size:3.4rem;letter-spacing:-.03em;font-weight:650;color:var(--vocals)}
.big .unit{font-size:1.15rem;margin-left:8px}
.big-note{grid-row:2;color:var(--soft);font-size:.85rem;margin:4px 0 0}
.sentence{grid-row:1/3;grid-column:2;margin:0;font-size:1.05rem;max-width:34em}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(310px,1fr));gap:16px;align-items:start}
.cards+p{margin-top:14px}
.cards.two{grid-template-columns:repeat(auto-fill,minmax(430px,1fr))}
.card{margin:0;padding:14px 16px;background:var(--card);border:1px solid var(--faint);border-radius:8px;min-width:0}
.card .definition{margin:6px 0 8px}.card .source{margin:4px 0 0}
.plot{padding:10px var(--note) 0 var(--label);min-width:0}
svg{display:block;overflow:visible}
svg text{font-size:11px;fill:var(--soft)}
svg g>text{fill:var(--ink)}
svg .note{fill:var(--soft)}
.grid{stroke:var(--faint);stroke-width:1}.zero{stroke:var(--soft);stroke-opacity:.55}
.vocals{--c:var(--vocals)}.drums{--c:var(--drums)}.bass{--c:var(--bass)}.other{--c:var(--other)}
.guitar{--c:var(--guitar)}.piano{--c:var(--piano)}.backing{--c:var(--backing)}.mixture{--c:var(--mixture)}
.song{--c:var(--song)}
.range{stroke:var(--c);stroke-width:1.6}
.box{fill:var(--c);fill-opacity:.38}
.median{stroke:var(--c);stroke-width:2.6}
.interval{stroke:var(--ink);stroke-width:1.3}
.mean{fill:var(--ink)}
.dot{fill:var(--c);fill-opacity:.75;stroke:var(--paper);stroke-width:.8}
.density{fill:var(--c);fill-opacity:.22}
.shrunk path{fill:var(--card);stroke:var(--ink);stroke-width:1.3}
.published path,circle.published{fill:var(--published);stroke:var(--card);stroke-width:1}
.rule{stroke:var(--published);stroke-width:1.1;stroke-dasharray:3 3}
svg .rule-label{fill:var(--ink);font-size:11.5px}
.curve{fill:none;stroke:var(--c);stroke-width:1.8;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.band{fill:var(--c);fill-opacity:.17}
.legend span{display:inline-block;vertical-align:middle;margin:0 3px 2px 10px}
.legend span:first-child{margin-left:0}
.key-range{width:22px;border-top:2px solid var(--soft)}
.key-box{width:18px;height:8px;background:var(--soft);opacity:.5}
.key-median{height:12px;border-left:3px solid var(--soft)}
.key-mean{width:7px;height:7px;border-radius:50%;background:var(--ink);
box-shadow:8px 0 0 -3px var(--ink),-8px 0 0 -3px var(--ink)}
.key-shrunk{width:8px;height:8px;transform:rotate(45deg);border:1.3px solid var(--ink)}
.key-published{border:5px solid transparent;border-top:7px solid var(--published);border-bottom:0}
.pairs{list-style:none;padding:0;margin:8px 0 0}
.pairs .plot{padding-top:0}
.pair{font-size:.82rem;line-height:1.3;display:block}
details{margin-top:8px;font-size:.8rem}
summary{cursor:pointer;color:var(--accent);width:max-content}
.wide{overflow-x:auto;max-height:340px;overflow-y:auto;margin-top:6px}
table{border-collapse:collapse;font-size:.76rem;white-space:nowrap}
th,td{padding:3px 9px 3px 0;text-align:right;border-bottom:1px solid var(--faint);font-weight:400}
th:first-child{text-align:left}thead th{color:var(--soft)}
#distrust li,#failures li{margin-bottom:6px;max-width:48em}
footer{margin-top:48px;padding-top:16px;border-top:1px solid var(--line);color:var(--soft);font-size:.8rem}
@media (max-width:640px){main{padding:24px 16px 40px}h1{font-size:1.7rem}
.cards,.cards+p{margin-top:14px}
.cards.two{grid-template-columns:minmax(0,1fr)}.facts{grid-template-columns:1fr 1fr}
.lead{grid-template-columns:1fr;gap:6px}.sentence,.big-note{grid-row:auto;grid-column:auto}section{margin-top:36px}}
@page{size:A4;margin:14mm 13mm}
@media print{*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{font-size:12px;background:#fff}main{max-width:none;padding:0}nav,details{display:none}section{margin-top:26px;padding-top:14px}
.card{break-inside:avoid;padding:8px 10px}.lead,.plot,h2,h3,h4,p,li{break-inside:avoid}
h2,h3,section>.legend,section>.definition{break-after:avoid}
.cards{grid-template-columns:1fr 1fr;gap:10px}.cards+p{margin-top:14px}
.cards.two{grid-template-columns:1fr 1fr}}
"""
"""One style sheet, to be put into the page."""
