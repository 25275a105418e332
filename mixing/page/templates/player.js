"use strict";
/* The player of a page: all sounds run together in one context, and gains alone set what plays. */

const facts = JSON.parse(document.getElementById("facts").textContent);
const RATE_HZ = 48000;
const RAMP_S = 0.02;
const SKIP_S = 5;
const VOCALS_STEP_DB = 0.5;
const MOST_LU = 100;
const VERSIONS = ["before", "after", "reference"];

const element = (id) => document.getElementById(id);
const linear = (db) => 10 ** (db / 20);
const clip = (value, low, high) => Math.min(Math.max(value, low), high);

/* What to hear: a version, the share of the mix's moves (0 to 1), dB on the vocals, and whether loudness is equal. */
const state = { version: "after", amount: 1, vocals_db: 0, matched: true };

/* ---- From what to hear to gains. ---- */

function partDb(part, { amount, vocals_db }) {
  return amount * part.level_db + (part.name === "vocals" ? vocals_db : 0);
}

/* Where a value is on an ascending scale: the step below it, and the share of the way to the next. */
function placeOn(scale, value) {
  const step = clip(scale.findLastIndex((each) => each <= value), 0, scale.length - 2);
  return [step, clip((value - scale[step]) / (scale[step + 1] - scale[step]), 0, 1)];
}

/* Loudness of the parts together, before gain and limiter of the mix. */
function liveLufs({ amount, vocals_db }) {
  if (facts.live === null) return null;
  const { amounts, vocals_db: gains_db, lufs } = facts.live;
  const [row, down] = placeOn(amounts, amount);
  const [column, along] = placeOn(gains_db, vocals_db);
  const across = (values) => values[column] + along * (values[column + 1] - values[column]);
  return across(lufs[row]) + down * (across(lufs[row + 1]) - across(lufs[row]));
}

function versionDb(name, settings) {
  const version = facts.versions[name];
  if (!version) return 0;
  const live = name === "after" ? liveLufs(settings) : version.lufs;
  if (live === null) return facts.common_db;
  if (settings.matched) return facts.matched_lufs - live;
  return facts.common_db + version.lufs - live;
}

/* The gain of every place of the graph, full scale 1. */
function gainsOf(settings) {
  const gains = { limiter: facts.limiter_hz === null ? 0 : settings.amount, parts: {} };
  for (const part of facts.parts) {
    const gain = linear(partDb(part, settings));
    gains.parts[part.name] = part.is_processed
      ? { before: gain * (1 - settings.amount), after: gain * settings.amount / linear(part.level_db) }
      : { before: gain, after: 0 };
  }
  for (const name of VERSIONS) {
    gains[name] = settings.version === name ? linear(versionDb(name, settings)) : 0;
  }
  return gains;
}

/* ---- The graph. ---- */

/* Move a gain from where it is, whatever moves it now, and be there after `ramp_s` but for a hundredth. */
function fade(param, value, when, ramp_s) {
  param.setTargetAtTime(value, when, ramp_s / Math.log(100));
}

/* Build it in a context, with one source for each buffer; `set` moves every gain, `start` runs all sources at once. */
function build(context, buffers, output) {
  const params = {};
  const sources = {};

  function gain(name, target) {
    const node = new GainNode(context, { gain: 0 });
    node.connect(target);
    params[name] = node.gain;
    return node;
  }

  function source(name) {
    sources[name] ??= new AudioBufferSourceNode(context, { buffer: buffers[name], loop: name === "reference" });
    return sources[name];
  }

  const before = gain("before", output);
  const after = gain("after", output);
  const limited = new GainNode(context, { gain: 1 });
  limited.connect(after);
  for (const { name, is_processed } of facts.parts) {
    const own = linear(-facts.stored_db[`${name}-before`]);
    const first = new GainNode(context, { gain: own });
    source(`${name}-before`).connect(first);
    first.connect(before);
    first.connect(gain(`${name}-before`, limited));
    if (is_processed) {
      const second = new GainNode(context, { gain: linear(-facts.stored_db[`${name}-after`]) });
      source(`${name}-after`).connect(second);
      second.connect(gain(`${name}-after`, limited));
    }
  }
  if (buffers.limiter) source("limiter").connect(gain("limiter", limited.gain));
  if (buffers.reference) {
    const own = new GainNode(context, { gain: linear(-facts.stored_db.reference) });
    source("reference").connect(own);
    own.connect(gain("reference", output));
  }

  function set(gains, ramp_s) {
    const values = { ...gains };
    for (const [name, pair] of Object.entries(gains.parts)) {
      values[`${name}-before`] = pair.before;
      values[`${name}-after`] = pair.after;
    }
    for (const [name, param] of Object.entries(params)) {
      if (ramp_s === 0) param.value = values[name];
      else fade(param, values[name], context.currentTime, ramp_s);
    }
  }

  function start(when, offset_s) {
    for (const [name, node] of Object.entries(sources)) {
      node.start(when, node.loop ? offset_s % node.buffer.duration : offset_s);
    }
  }

  return { sources, set, start };
}

/* ---- The sounds inside the page. ---- */

function bytesOf(name) {
  const holder = element(`sound-${name}`);
  const text = atob(holder.textContent);
  holder.remove();
  const bytes = new Uint8Array(text.length);
  for (let n = 0; n < text.length; n += 1) bytes[n] = text.charCodeAt(n);
  return bytes;
}

/* The limiter's gain, less 1, as a sound that moves a gain: its values are means over a period each. */
async function limiterBuffer(context) {
  const stream = new Blob([bytesOf("limiter")]).stream().pipeThrough(new DecompressionStream("deflate"));
  const view = new DataView(await new Response(stream).arrayBuffer());
  const count = view.byteLength / 2;
  const rate_hz = 8 * facts.limiter_hz;
  const buffer = context.createBuffer(1, Math.max(8 * count, 1), rate_hz);
  const samples = buffer.getChannelData(0);
  const value = (n) => view.getUint16(2 * clip(n, 0, count - 1), true) / 65535 - 1;
  for (let n = 0; n < 8 * count; n += 1) {
    const place = n / 8 - 0.5;
    const whole = Math.floor(place);
    samples[n] = value(whole) + (place - whole) * (value(whole + 1) - value(whole));
  }
  return buffer;
}

async function decode() {
  const context = new OfflineAudioContext(2, 1, RATE_HZ);
  const buffers = {};
  await Promise.all(Object.keys(facts.stored_db).map(async (name) => {
    buffers[name] = await context.decodeAudioData(bytesOf(name).buffer);
  }));
  if (facts.limiter_hz !== null) buffers.limiter = await limiterBuffer(context);
  return buffers;
}

/* ---- The transport. ---- */

const player = { buffers: null, context: null, analyser: null, graph: null, begun_s: 0, offset_s: 0 };

function position() {
  if (!player.graph) return player.offset_s;
  const played_s = Math.max(0, player.context.currentTime - player.begun_s);
  return Math.min(player.offset_s + played_s, facts.duration_s);
}

function play() {
  if (!player.buffers || player.graph) return;
  if (!player.context) {
    player.context = new AudioContext({ sampleRate: RATE_HZ });
    player.analyser = new AnalyserNode(player.context, { fftSize: 4096 });
    player.analyser.connect(player.context.destination);
  }
  player.context.resume();
  if (player.offset_s >= facts.duration_s - 0.05) player.offset_s = 0;
  const fader = new GainNode(player.context, { gain: 0 });
  fader.connect(player.analyser);
  player.graph = { ...build(player.context, player.buffers, fader), fader };
  player.graph.set(gainsOf(state), 0);
  player.begun_s = player.context.currentTime + 0.03;
  player.graph.start(player.begun_s, player.offset_s);
  fade(fader.gain, 1, player.begun_s, RAMP_S);
  showPlaying();
}

function stop() {
  if (!player.graph) return;
  player.offset_s = position();
  const now = player.context.currentTime;
  fade(player.graph.fader.gain, 0, now, RAMP_S);
  for (const node of Object.values(player.graph.sources)) node.stop(now + 2 * RAMP_S);
  player.graph = null;
  showPlaying();
}

function seek(to_s) {
  const running = player.graph !== null;
  stop();
  player.offset_s = clip(to_s, 0, facts.duration_s);
  showPosition();
  if (running) play();
}

function toggle() {
  if (player.graph) stop();
  else play();
}

/* ---- What is shown. ---- */

const minus = (text) => text.replace("-", "\u2212");
const signed = (value, digits = 1) => minus(`${value > 0 ? "+" : ""}${(value + 0).toFixed(digits)}`);
const clock = (time_s) => `${Math.floor(time_s / 60)}:${String(Math.floor(time_s % 60)).padStart(2, "0")}`;

function ratioLu() {
  const { before, after } = facts.ratio;
  return before + state.amount * (after - before) + state.vocals_db;
}

function showPlaying() {
  const playing = player.graph !== null;
  element("play").classList.toggle("playing", playing);
  element("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  showPosition();
  if (playing) requestAnimationFrame(follow);
}

function showPosition() {
  const time_s = position();
  const slider = element("position");
  slider.value = time_s;
  slider.setAttribute("aria-valuetext", `${clock(time_s)} of ${clock(facts.duration_s)}`);
  element("now-time").textContent = clock(time_s);
}

function follow() {
  if (!player.graph) return;
  showPosition();
  if (position() >= facts.duration_s) {
    stop();
    player.offset_s = 0;
    showPosition();
    return;
  }
  requestAnimationFrame(follow);
}

function showState() {
  const moved = state.amount !== 1 || state.vocals_db !== 0;
  document.querySelector(`input[name=version][value=${state.version}]`).checked = true;
  element("reset").disabled = !moved;
  element("amount").value = 100 * state.amount;
  element("amount-text").textContent = `${Math.round(100 * state.amount)} %`;
  const slider = element("vocals");
  if (slider) {
    slider.value = state.vocals_db;
    const gain = state.vocals_db === 0 ? "as mixed" : `${signed(state.vocals_db)} dB`;
    const words = facts.ratio ? `${gain}, ${signed(ratioLu())} LU against the rest` : gain;
    element("vocals-text").textContent = words;
    slider.setAttribute("aria-valuetext", words);
  }
  const now = element("now");
  if (now) {
    const [low, high] = [Number(now.dataset.low), Number(now.dataset.high)];
    const place = `${(100 * clip((ratioLu() - low) / (high - low), 0, 1)).toFixed(2)}%`;
    now.setAttribute("x1", place);
    now.setAttribute("x2", place);
  }
  const command = element("command");
  if (command) command.textContent = commandLine();
}

/* The command that makes what plays. The step of level goes `amount` of the way from the ratio that it finds to the
   one that it is given, so that one is as much farther as is left out of the way; what cannot be said so is a gain, of
   which the slider of the amount leaves a share. */
function commandLine() {
  const { amount: whole, ratio_lu: given_lu, vocal_gain_db: own_db } = facts.options;
  const amount = whole * state.amount;
  const words = [facts.again];
  let [aim_lu, gain_db] = [given_lu, (own_db ?? 0) * state.amount];
  if (state.vocals_db !== 0 && facts.levelled_from_lu !== null && amount > 0) {
    const found_lu = facts.ratio.before + state.amount * (facts.levelled_from_lu - facts.ratio.before);
    aim_lu = found_lu + (ratioLu() - gain_db - found_lu) / amount;
  }
  if (state.vocals_db !== 0 && (aim_lu === given_lu || Math.abs(aim_lu) > MOST_LU)) {
    [aim_lu, gain_db] = [given_lu, gain_db + state.vocals_db];
  }
  if (aim_lu !== null) words.push(`--ratio-lu=${Number(aim_lu.toFixed(2))}`);
  if (gain_db !== 0) words.push(`--vocal-gain-db=${Number(gain_db.toFixed(2))}`);
  if (amount !== 1) words.push(`--amount=${Number(amount.toFixed(4))}`);
  return words.join(" ");
}

function change(changes) {
  Object.assign(state, changes);
  state.amount = clip(state.amount, 0, 1);
  state.vocals_db = clip(state.vocals_db, -9, 9);
  if (player.graph) player.graph.set(gainsOf(state), RAMP_S);
  showState();
}

/* Sliders are of the mix: to move one is to listen to it. */
function adjust(changes) {
  change({ ...changes, version: "after" });
}

function download(text, name, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/* ---- Keys and clicks. ---- */

const KEYS = {
  " ": toggle,
  1: () => change({ version: "before" }),
  2: () => change({ version: "after" }),
  3: () => facts.versions.reference && change({ version: "reference" }),
  ArrowLeft: () => seek(position() - SKIP_S),
  ArrowRight: () => seek(position() + SKIP_S),
  ArrowUp: () => element("vocals") && adjust({ vocals_db: state.vocals_db + VOCALS_STEP_DB }),
  ArrowDown: () => element("vocals") && adjust({ vocals_db: state.vocals_db - VOCALS_STEP_DB }),
};

/* Keys that the element in focus uses itself are left to it. */
function isTaken(target, key) {
  if (target.matches("input")) return key.startsWith("Arrow") || (key === " " && target.type === "checkbox");
  return key === " " && target.matches("button, summary, a");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const act = KEYS[event.key];
  if (!act || !player.buffers || isTaken(event.target, event.key)) return;
  event.preventDefault();
  act();
});

function listen(id, type, act) {
  const found = element(id);
  if (found) found.addEventListener(type, act);
}

listen("play", "click", toggle);
listen("position", "input", (event) => seek(event.target.valueAsNumber));
listen("vocals", "input", (event) => adjust({ vocals_db: event.target.valueAsNumber }));
listen("amount", "input", (event) => adjust({ amount: event.target.valueAsNumber / 100 }));
listen("matched", "change", (event) => change({ matched: event.target.checked }));
listen("reset", "click", () => adjust({ amount: 1, vocals_db: 0 }));
listen("save-recipe", "click", () =>
  download(`${JSON.stringify(JSON.parse(element("recipe-json").textContent), null, 2)}\n`, "mix.mix.json", "application/json"));
listen("save-command", "click", () => download(`${commandLine()}\n`, "mix.command.txt", "text/plain"));
listen("copy", "click", async () => {
  try {
    await navigator.clipboard.writeText(commandLine());
    element("copy").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(element("command"));
    element("copy").textContent = "Selected: copy it";
  }
});
for (const radio of document.querySelectorAll("input[name=version]")) {
  radio.addEventListener("change", () => change({ version: radio.value }));
}

element("position").max = facts.duration_s;
element("length").textContent = clock(facts.duration_s);
showPosition();
showState();
decode().then((buffers) => {
  player.buffers = buffers;
  element("play").disabled = false;
  element("status").textContent = "";
}, () => {
  element("status").textContent = "This browser cannot play these sounds (Opus): a current Chrome, Edge, Firefox or Safari can";
});
