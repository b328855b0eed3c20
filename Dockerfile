# The two commands of the README on a bare system. Written without a Docker at hand: the steps are those of bootstrap.sh, the image
# itself was not built here.
#
#   docker build -t spectral-alignment .
#   docker run --rm -v "$PWD/figures:/work/figures" spectral-alignment just figures --profile quick
FROM rust:1.89-bookworm
WORKDIR /work
COPY . .
RUN ./bootstrap.sh && just --evaluate CARGO_TARGET_DIR && cargo fetch --locked
CMD ["just", "figures"]
