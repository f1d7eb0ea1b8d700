# The two commands of README.md in a container, on the CPU, as a user without rights:
#
#   docker build --tag emotion_hpo .
#   docker run --volume "$PWD/studies:/home/hpo/emotion_hpo/studies" emotion_hpo make search
#   docker run --volume "$PWD/studies:/home/hpo/emotion_hpo/studies" emotion_hpo make final
#
# The folder studies must be writable for user 1000. Torch comes from PyTorch's own index of builds
# for the CPU, gigabytes smaller than the others; --build-arg TORCH_INDEX=URL names another such
# index, and --build-arg TORCH_INDEX= takes torch from where everything else comes from.
FROM python:3.11.14-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 hpo \
    && install --directory --owner hpo /home/hpo/emotion_hpo

USER hpo
WORKDIR /home/hpo/emotion_hpo
COPY --chown=hpo . .

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# Torch alone: what it needs comes with the rest, at the versions of constraints.txt.
RUN python3 -m venv .venv \
    && if [ -n "$TORCH_INDEX" ]; then \
         .venv/bin/pip install --no-cache-dir --no-deps --constraint constraints.txt \
           --index-url "$TORCH_INDEX" torch; \
       fi
RUN PIP_NO_CACHE_DIR=1 make .venv/.runtime

CMD ["make", "help"]
