#!/usr/bin/env bash
# Makes .venv ready: packaging/setup.sh run|test|window
#   run     what the program needs
#   test    also the tools of the checks, and the simulator's libraries
#   window  only the system libraries with which Qt opens a window on this display
# Missing Debian or Ubuntu packages are installed when this may be done without a password; otherwise
# the command that installs them is printed.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}

case "${1:-}" in
    run) extras="" ;;
    test) extras="[dev,simulate]" ;;
    window) extras="" ;;
    *) echo "usage: $0 run|test|window" >&2; exit 2 ;;
esac

# A Python of at least 3.11 that can make a virtual environment with pip in it.
suitable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
can_make_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }
find_python() {
    local name
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14; do
        if command -v "$name" >/dev/null && suitable "$name"; then
            echo "$name"
            return
        fi
    done
}

missing=()
add_missing() { [[ " ${missing[*]-} " == *" $1 "* ]] || missing+=("$1"); }

python=$(find_python)
if [ -z "$python" ]; then
    missing+=(python3 python3-venv)
elif ! can_make_venv "$python" && [ ! -x "$venv/bin/python" ]; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    missing+=("python$version-venv")
fi

# Qt's wheels bring everything but these. Left: the library, right: the Debian package it is in.
any_platform="
libEGL.so.1 libegl1
libGL.so.1 libgl1
libdbus-1.so.3 libdbus-1-3
libfontconfig.so.1 libfontconfig1
libglib-2.0.so.0 libglib2.0-0
libgthread-2.0.so.0 libglib2.0-0
libX11.so.6 libx11-6
libxkbcommon.so.0 libxkbcommon0
"
x11="
libX11-xcb.so.1 libx11-xcb1
libxcb-cursor.so.0 libxcb-cursor0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-image.so.0 libxcb-image0
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-randr.so.0 libxcb-randr0
libxcb-render-util.so.0 libxcb-render-util0
libxcb-shape.so.0 libxcb-shape0
libxcb-xkb.so.1 libxcb-xkb1
libxkbcommon-x11.so.0 libxkbcommon-x11-0
"
wayland="
libwayland-client.so.0 libwayland-client0
libwayland-cursor.so.0 libwayland-cursor0
libwayland-egl.so.1 libwayland-egl1
"
if [ "$(uname -s)" = Linux ]; then
    needed=$any_platform
    if [ "$1" = window ]; then
        [ -z "${DISPLAY:-}" ] || needed+=$x11
        [ -z "${WAYLAND_DISPLAY:-}" ] || needed+=$wayland
    fi
    installed=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p)
    while read -r library package; do
        [ -z "$library" ] || [[ $installed == *"$library "* ]] || add_missing "$package"
    done <<<"$needed"
fi

if [ ${#missing[@]} -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "Please install what these Debian packages contain, then try again: ${missing[*]}" >&2
        exit 1
    fi
    if [ "$(id -u)" = 0 ]; then
        sudo=""
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo="sudo -n"
    else
        echo "Some system packages are missing. Please install them, then try again:" >&2
        echo "    sudo apt-get install ${missing[*]}" >&2
        exit 1
    fi
    echo "Installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    python=$(find_python)
    if [ -z "$python" ] || ! can_make_venv "$python"; then
        echo "This system's Python is older than 3.11. Please install Python 3.11 or later," >&2
        echo "then run make again with PYTHON=/path/to/python3." >&2
        exit 1
    fi
fi

[ "$1" != window ] || exit 0
if ! [ -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --clear "$venv"
fi
echo "Installing Python packages into $venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".$extras"
if [ "$1" = test ]; then
    # Two subjects of simulated people; only their data files are used, so what they depend on is left out.
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
        musculoskeletal-models==0.2.4 myo-sim==0.2.4 ||
        echo "The tests of simulated people are skipped: two packages could not be installed." >&2
fi
