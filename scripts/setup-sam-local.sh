#!/usr/bin/env bash
# Make `sam local` run on a Debian machine that has no container engine and reaches no container registry: start an
# engine of Debian's, and make a stand-in for Lambda's image out of packages. For CI (.ci/run) and for machines behind
# a closed network; where a container engine answers, none of this is needed. Runs as root.
#
#   make .venv-sam/stamp && scripts/setup-sam-local.sh && . "$SAM_LOCAL_HOME/env.sh"
#   make test-sam-local
#   kill "$(cat "$SAM_LOCAL_HOME/run/dockerd.pid")"      # stops the engine and its containers
#
# Run it again after a restart or a crash: what is in place is kept.
#
#   SAM_LOCAL_HOME   the folder for everything it makes (default /tmp/tollgate-sam-local; short, since sockets lie in it)
#   DOCKERD_OPTIONS  more options for dockerd, such as --storage-driver=vfs
#   REBUILD=1        make the image again
#
# The stand-in is Debian 13 with its own Python 3.13, the runtime interface client and boto3 from their packages, and
# the runtime interface emulator that comes with SAM CLI. It is not AWS's image: the C library, Python's patch level,
# boto3 and the command-line tools differ.
set -Eeuo pipefail
cd "$(dirname "$0")/.."

RECIPE=1 # raise it when the image below changes, so that older ones are made anew
PYTHON=3.13
SUITE=trixie
PACKAGES=bash,dash,coreutils,sed,grep,findutils,libc-bin,base-files,ca-certificates,tzdata,libstdc++6,libgcc-s1,python$PYTHON
case $(uname -m) in
  aarch64 | arm64) ARCHITECTURE=arm64 PLATFORM=aarch64-manylinux_2_28 ;;
  *) ARCHITECTURE=x86_64 PLATFORM=x86_64-manylinux_2_28 ;;
esac
IMAGE=public.ecr.aws/lambda/python:$PYTHON-$ARCHITECTURE # the name that SAM CLI looks for

export SAM_LOCAL_HOME=${SAM_LOCAL_HOME:-/tmp/tollgate-sam-local}
SOCKET=$SAM_LOCAL_HOME/run/docker.sock
ROOT=$SAM_LOCAL_HOME/image
LOGS=$SAM_LOCAL_HOME/log
export DOCKER_HOST=unix://$SOCKET DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin"

say() { echo "setup-sam-local: $*"; }
fail() {
  say "FAILED: $1" >&2
  [ -z "${2:-}" ] || tail -20 "$2" >&2
  exit 1
}

# Run a command, and once more if it fails: package mirrors do, now and then.
twice() { "$@" || { sleep 3 && "$@"; }; }

# ---------------------------------------------------------------- what must be there

check_machine() {
  [ "$(id -u)" = 0 ] || fail "it must run as root, to start a container engine"
  command -v apt-get >/dev/null || fail "it needs a Debian machine"
  [ -x .venv/bin/uv ] && [ -x .venv-sam/bin/sam ] || fail "run 'make .venv-sam/stamp' first"
}

install_packages() {
  local missing=()
  command -v dockerd >/dev/null && command -v docker >/dev/null || missing+=(docker.io)
  command -v iptables >/dev/null || missing+=(iptables)
  command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  { twice apt-get update -q && twice apt-get install -y -q --no-install-recommends "${missing[@]}"; } \
    >"$LOGS/apt.log" 2>&1 || fail "apt-get" "$LOGS/apt.log"
  hash -r
}

# The Debian mirror that apt is set up with, so that a machine's own is used where it has one.
debian_mirror() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    grep -oE '(https?|file)://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ' || true
}

# ---------------------------------------------------------------- the engine

engine_answers() { timeout 10 docker version >/dev/null 2>&1; }

# End the process named in a pid file, if it is still the program that wrote it; a number alone may be another's by now.
end_process() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 0
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] || return 0
  kill "$pid"
  for _ in $(seq 75); do
    [ -d "/proc/$pid" ] || return 0
    sleep 0.2
  done
  kill -9 "$pid"
}

# Start dockerd with more options in "$@"; it outlives this script. Fails if it does not answer.
start_engine() {
  say "starting dockerd $*"
  setsid dockerd --data-root "$SAM_LOCAL_HOME/data" --exec-root "$SAM_LOCAL_HOME/exec" \
    --pidfile "$SAM_LOCAL_HOME/run/dockerd.pid" --host "$DOCKER_HOST" "$@" \
    </dev/null >>"$LOGS/dockerd.log" 2>&1 9>&- &
  local pid=$!
  for _ in $(seq 200); do
    ! engine_answers || return 0
    [ -d "/proc/$pid" ] || break
    sleep 0.2
  done
  end_process "$SAM_LOCAL_HOME/run/dockerd.pid" dockerd
  return 1
}

ensure_engine() {
  ! engine_answers || return 0
  # What a killed engine leaves: itself, no longer answering, and the containerd that it started.
  end_process "$SAM_LOCAL_HOME/run/dockerd.pid" dockerd
  end_process "$SAM_LOCAL_HOME/exec/containerd/containerd.pid" containerd
  rm -f "$SAM_LOCAL_HOME/run/dockerd.pid"
  mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup
  # Options are several words. Without overlayfs or iptables an engine still runs, slower or without a network.
  # shellcheck disable=SC2086
  start_engine ${DOCKERD_OPTIONS:-} || start_engine --storage-driver=vfs ||
    start_engine --storage-driver=vfs --iptables=false --ip6tables=false || fail "dockerd" "$LOGS/dockerd.log"
}

# ---------------------------------------------------------------- the image

image_is_in_place() {
  [ -z "${REBUILD:-}" ] &&
    [ "$(docker image inspect -f '{{index .Config.Labels "tollgate.recipe"}}' "$IMAGE" 2>/dev/null)" = "$RECIPE" ]
}

lay_out_debian() {
  local hooks=()
  [ ! -d /usr/share/mmdebstrap/hooks/merged-usr ] || hooks=(--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr)
  rm -rf "$ROOT"
  mkdir -p "$ROOT"
  # `extract` unpacks without running the packages' own scripts, so that nothing starts in there.
  mmdebstrap --mode=root --variant=extract "${hooks[@]}" --include="$PACKAGES" "$SUITE" "$ROOT" "$(debian_mirror)"
}

# What Debian's packages would do when they are configured.
configure_debian() {
  mkdir -p "$ROOT"/{opt,tmp,proc,sys,dev} "$ROOT"/usr/local/bin "$ROOT"/etc/ssl/certs
  chmod 1777 "$ROOT/tmp"
  printf '%s\n' root:x:0:0:root:/root:/bin/bash nobody:x:65534:65534:nobody:/:/usr/sbin/nologin >"$ROOT/etc/passwd"
  printf '%s\n' root:x:0: nogroup:x:65534: >"$ROOT/etc/group"
  printf '%s\n' 'passwd: files' 'group: files' 'hosts: files dns' >"$ROOT/etc/nsswitch.conf"
  cat "$ROOT"/usr/share/ca-certificates/mozilla/*.crt >"$ROOT/etc/ssl/certs/ca-certificates.crt"
  ln -sf /usr/share/zoneinfo/UTC "$ROOT/etc/localtime"
  chroot "$ROOT" /sbin/ldconfig
}

# Lambda's own places: the interpreter, the runtime directory, the task's directory, and the entry point.
add_runtime() {
  mkdir -p "$ROOT"/var/{lang/bin,runtime,task}
  for name in python$PYTHON python3 python; do ln -sf /usr/bin/python$PYTHON "$ROOT/var/lang/bin/$name"; done
  .venv/bin/uv pip install --quiet --only-binary :all: --python-version "$PYTHON" --python-platform "$PLATFORM" \
    --target "$ROOT/var/runtime" awslambdaric boto3
  cat >"$ROOT/var/runtime/bootstrap" <<SH
#!/bin/bash
# A wrapper that the function's settings name is started instead, as Lambda does.
export AWS_EXECUTION_ENV=AWS_Lambda_python$PYTHON
set -- /var/lang/bin/python$PYTHON /var/runtime/bootstrap.py
if [ -n "\${AWS_LAMBDA_EXEC_WRAPPER:-}" ]; then set -- "\$AWS_LAMBDA_EXEC_WRAPPER" "\$@"; fi
exec "\$@"
SH
  cat >"$ROOT/var/runtime/bootstrap.py" <<'PY'
"""Start the runtime interface client, with the places that Lambda searches for modules, in its order."""
import os
import site
import sys

task = os.environ.get("LAMBDA_TASK_ROOT", "/var/task")
layers = ["/opt/python/lib/python{}.{}/site-packages".format(*sys.version_info), "/opt/python"]
places = [task, *layers] if "PYTHONPATH" not in os.environ else [task]
os.environ.setdefault("PYTHONPATH", "/var/runtime")
sys.path[:0] = places
for place in places:
    site.addsitedir(place)

from awslambdaric.__main__ import main

main([sys.argv[0], os.environ["_HANDLER"]])
PY
  cat >"$ROOT/lambda-entrypoint.sh" <<'SH'
#!/bin/sh
# The handler's name is the only argument. Without a runtime API in reach, the emulator gives one.
export _HANDLER="$1"
if [ -n "$AWS_LAMBDA_RUNTIME_API" ]; then exec /var/runtime/bootstrap; fi
exec /usr/local/bin/aws-lambda-rie /var/runtime/bootstrap
SH
  chmod 755 "$ROOT/var/runtime/bootstrap" "$ROOT/lambda-entrypoint.sh"
  install -m 755 .venv-sam/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-$ARCHITECTURE \
    "$ROOT/usr/local/bin/aws-lambda-rie"
}

check_runtime() {
  chroot "$ROOT" /usr/bin/env -i /var/lang/bin/python$PYTHON -c \
    'import sys; sys.path.insert(0, "/var/runtime"); import awslambdaric.bootstrap, boto3, ctypes, runtime_client, ssl, zlib'
}

import_image() {
  tar -C "$ROOT" --numeric-owner --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -cf - . |
    docker import --platform "linux/${ARCHITECTURE/x86_64/amd64}" \
      --change 'ENV LANG=C.UTF-8' --change 'ENV TZ=:/etc/localtime' \
      --change 'ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin' \
      --change 'ENV LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/task:/var/task/lib:/opt/lib' \
      --change 'ENV LAMBDA_TASK_ROOT=/var/task' --change 'ENV LAMBDA_RUNTIME_DIR=/var/runtime' \
      --change 'WORKDIR /var/task' --change 'ENTRYPOINT ["/lambda-entrypoint.sh"]' \
      --change "LABEL tollgate.recipe=$RECIPE" --message "a stand-in, not AWS's image" - "$IMAGE"
  # SAM CLI keeps images of its own on top of this one; those on an older base are of no use now.
  docker images --quiet --filter "reference=public.ecr.aws/lambda/python:$PYTHON-rapid-*" | xargs --no-run-if-empty docker rmi --force
}

make_image() {
  ! image_is_in_place || return 0
  say "making $IMAGE"
  twice lay_out_debian >"$LOGS/image.log" 2>&1 || fail "Debian's packages" "$LOGS/image.log"
  # Not `step || fail`: in a condition, bash goes on after a command that failed.
  trap 'fail "$BASH_COMMAND" "$LOGS/image.log" 2>&3' ERR
  for step in configure_debian add_runtime check_runtime import_image; do
    "$step" 3>&2 >>"$LOGS/image.log" 2>&1
  done
  trap - ERR
  rm -rf "$ROOT"
}

# ---------------------------------------------------------------- what a shell needs

write_environment() {
  cat >"$SAM_LOCAL_HOME/env.sh" <<SH
export DOCKER_HOST=$DOCKER_HOST
# No registry is in reach: do not ask it.
export SAM_SKIP_PULL_IMAGE=1
export SAM_LAYER_CACHE_BASEDIR=$SAM_LOCAL_HOME/layers __SAM_CLI_APP_DIR=$SAM_LOCAL_HOME/aws-sam
# With credentials in the environment, made-up ones too, \`sam local\` asks AWS for the account's number: once is enough.
export AWS_MAX_ATTEMPTS=\${AWS_MAX_ATTEMPTS:-1} AWS_EC2_METADATA_DISABLED=true
SH
}

check_machine
mkdir -p "$SAM_LOCAL_HOME"/{run,log,data,exec}
exec 9>"$SAM_LOCAL_HOME/run/setup.lock"
flock -w 900 9 || fail "another run holds $SAM_LOCAL_HOME/run/setup.lock"
install_packages
ensure_engine
make_image
write_environment
say "ready: . $SAM_LOCAL_HOME/env.sh"
