# tpinfo with the compilers it extracts with, and tprun for the targets. The binary is static, so it also
# runs copied out of the image, on anything that runs a Linux kernel.
#
#   docker build -t tpinfo .
#   docker run --rm -v /lib/modules:/lib/modules:ro -v /usr/src:/usr/src:ro -v tpinfo:/var/lib/tpinfo tpinfo extract
#   docker run --rm -v tpinfo:/var/lib/tpinfo tpinfo list 'sched:*'
#   docker run --rm -v tpinfo:/var/lib/tpinfo -v "$PWD:/work" -w /work tpinfo compile faults.stp -o faults.o
#
# Without a container engine, fixtures/dockerfile-check.sh runs these steps.

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY fixtures/install.sh fixtures/install.sh
COPY go.mod go.sum ./
RUN fixtures/install.sh build
ENV PATH=/src/bin/toolchain/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN go mod download
COPY . .
RUN CGO_ENABLED=1 go build -trimpath -buildvcs=false -o /out/tpinfo \
        -tags "netgo osusergo sqlite_omit_load_extension" \
        -ldflags "-s -w -linkmode external -extldflags -static" \
        ./cmd/tpinfo && \
    for arch in amd64 arm64; do \
        CGO_ENABLED=0 GOARCH=$arch go build -trimpath -buildvcs=false -ldflags "-s -w" -o /out/tprun-linux-$arch ./cmd/tprun || exit 1; \
    done && \
    /out/tpinfo version

FROM debian:bookworm-slim
RUN apt-get update && \
    apt-get install -y --no-install-recommends gcc clang gcc-aarch64-linux-gnu openssh-client && \
    rm -rf /var/lib/apt/lists/*
COPY --from=build /out/tpinfo /out/tprun-linux-amd64 /out/tprun-linux-arm64 /usr/local/bin/
ENV TPINFO_CACHE=/var/lib/tpinfo/tpinfo.db
RUN mkdir -p /var/lib/tpinfo && tpinfo version && gcc --version && clang --version && aarch64-linux-gnu-gcc --version
VOLUME /var/lib/tpinfo
ENTRYPOINT ["tpinfo"]
