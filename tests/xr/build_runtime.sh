#!/usr/bin/env bash
# Builds the OpenXR runtime of the tests, Monado without headset, GPU or screen: build_runtime.sh FOLDER
#
# FOLDER/inprocess is a runtime that lives inside the application, FOLDER/service one that is the client of a process
# beside it, monado-service: the one that can be lost. Each has openxr_monado.json, which XR_RUNTIME_JSON names.
# FOLDER/ready holds the digest of the script that made it, and a folder made by this very script is left as it is.
#
# The source is that of Debian's package, fetched and verified by apt from the mirror that apt already uses; elsewhere
# than on Debian, DEBIAN_MIRROR names one. Root is needed only to install what is missing to build.
# With two cores it takes 80 s, 3 MB in FOLDER and for that time 80 MB in TMPDIR.
set -euo pipefail
exec </dev/null

suite=trixie # has Monado 25.0; the changes below are for that
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages=(
    cmake debian-archive-keyring g++ gcc glslang-tools ninja-build patch pkg-config python3 xz-utils
    libbsd-dev libegl-dev libeigen3-dev libgl-dev libglvnd-dev libudev-dev libvulkan-dev
    libx11-xcb-dev libxcb-randr0-dev libxrandr-dev
)
# All that Monado would otherwise build when it happens to find a library for it.
without=(
    BUILD_{DOC,TESTING}
    XRT_BUILD_DRIVER_{ARDUINO,DAYDREAM,HDK,HYDRA,NS,OPENGLOVES,PSMV,PSSENSE,PSVR,RIFT_S,ROKID,STEAMVR_LIGHTHOUSE}
    XRT_BUILD_DRIVER_{SURVIVE,TWRAP,VIVE,WMR,XREAL_AIR}
    XRT_BUILD_SAMPLES XRT_FEATURE_{SLAM,STEAMVR_PLUGIN} XRT_MODULE_MONADO_{CLI,GUI}
    XRT_HAVE_{BLUETOOTH,DBUS,GST,HIDAPI,JPEG,LIBUDEV,LIBUSB,OPENCV,SDL2,SYSTEMD,V4L2,WAYLAND}
)

say() { echo "build_runtime: $*" >&2; }
fail() {
    say "$@"
    exit 1
}

# quietly WHAT COMMAND...: output appears only when it fails. In the background, because bash heeds no signal before a
# command in the foreground has ended.
quietly() {
    "${@:2}" >"$work/log" 2>&1 &
    wait $! && return
    tail -n 40 "$work/log" >&2
    fail "$1 failed (${*:2:1}): the lines above say why"
}

clean_up() {
    trap - EXIT
    kill $(jobs -p) 2>/dev/null || true
    wait
    rm -rf "$work" "$partial"
}

[ $# -eq 1 ] && [ -n "$1" ] && [ "${1#-}" = "$1" ] || fail "what is wanted is one folder: build_runtime.sh FOLDER"
digest=$(sha256sum "${BASH_SOURCE[0]}" | cut -d' ' -f1)
mkdir -p "$(dirname "$1")"
folder=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
if [ -e "$folder" ]; then
    [ "$(cat "$folder/ready" 2>/dev/null)" != "$digest" ] || exit 0
    [ -e "$folder/ready" ] || rmdir "$folder" 2>/dev/null || fail "$folder is there, and not from here: remove it first"
fi

command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || fail "it can be built on Debian and Ubuntu only"
missing=()
for package in "${packages[@]}"; do
    [ "$(dpkg-query -Wf '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
install=(apt-get install --yes --no-install-recommends "${missing[@]}")
[ ${#missing[@]} -eq 0 ] || [ "$(id -u)" -eq 0 ] || fail "first run: sudo apt-get update && sudo ${install[*]}"

work=$(mktemp -d "${TMPDIR:-/tmp}/build_runtime.XXXXXX")
partial=$folder.partial.$$ # beside the folder, where it can be renamed in one step
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if [ ${#missing[@]} -gt 0 ]; then
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    # Without the option it succeeds without a network, too.
    quietly 'updating the package lists' apt-get update --option APT::Update::Error-Mode=any
    quietly 'installing packages' "${install[@]}" --option DPkg::Lock::Timeout=600
fi

# apt with folders and sources of its own: nothing of the system's is read but the address, and nothing is changed.
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(CREATED_BY) $(RELEASE) $(REPO_URI)' |
    awk '$1 == "Debian" && $2 == "main" && $3 == "Packages" && $4 !~ /-/ && !found++ { print $5 }')}
[ -n "$mirror" ] || fail "apt knows no Debian mirror: on Debian, run apt-get update first; elsewhere, set DEBIAN_MIRROR"
mkdir -p "$work"/{source,apt/got,apt/lists/partial,apt/cache/archives/partial}
chmod 755 "$work"
[ "$(id -u)" -ne 0 ] || ! id _apt >/dev/null 2>&1 || chown -R _apt "$work/apt" # whom apt lets download
echo "deb-src [signed-by=$keyring] $mirror $suite main" >"$work/apt/sources.list"
options=(
    -o "Dir::Etc::SourceList=$work/apt/sources.list" -o Dir::Etc::SourceParts=-
    -o Dir::Etc::Preferences=- -o Dir::Etc::PreferencesParts=-
    -o "Dir::State::Lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache" -o APT::Update::Error-Mode=any
)
say "fetching the source from $mirror"
quietly "fetching the list of $suite's sources" apt-get "${options[@]}" update
cd "$work/apt/got"
quietly "fetching Monado's source" apt-get "${options[@]}" source --download-only --tar-only monado
cd "$work"
quietly unpacking tar --extract --file apt/got/monado_*.orig.tar.* --directory source --strip-components=1

# What its null compositor and its remote devices leave no choice about: size and rate of the display (320 x 240 at
# 20 Hz), the interfaces to listen on (all), and how long a thread sleeps before it sees that it should end (1 s).
cat >changes.patch <<'PATCH'
--- a/src/xrt/compositor/null/null_compositor.c
+++ b/src/xrt/compositor/null/null_compositor.c
@@ -38,7 +38,9 @@
-static const uint64_t RECOMMENDED_VIEW_WIDTH = 320;
-static const uint64_t RECOMMENDED_VIEW_HEIGHT = 240;
 
-static const uint64_t MAX_VIEW_WIDTH = 1920;
-static const uint64_t MAX_VIEW_HEIGHT = 1080;
+DEBUG_GET_ONCE_NUM_OPTION(null_hz, "XRT_NULL_HZ", 20)
+DEBUG_GET_ONCE_NUM_OPTION(null_width, "XRT_NULL_WIDTH", 320)
+DEBUG_GET_ONCE_NUM_OPTION(null_height, "XRT_NULL_HEIGHT", 240)
+
+static const uint64_t MAX_VIEW_WIDTH = 8192;
+static const uint64_t MAX_VIEW_HEIGHT = 8192;
 
 DEBUG_GET_ONCE_LOG_OPTION(log, "XRT_COMPOSITOR_LOG", U_LOGGING_INFO)
@@ -282,2 +284,2 @@
-		sys_info->views[i].recommended.width_pixels  = RECOMMENDED_VIEW_WIDTH;
-		sys_info->views[i].recommended.height_pixels = RECOMMENDED_VIEW_HEIGHT;
+		sys_info->views[i].recommended.width_pixels  = (uint32_t)debug_get_num_option_null_width();
+		sys_info->views[i].recommended.height_pixels = (uint32_t)debug_get_num_option_null_height();
@@ -551,1 +553,1 @@
-	c->settings.frame_interval_ns = U_TIME_1S_IN_NS / 20; // 20 FPS
+	c->settings.frame_interval_ns = U_TIME_1S_IN_NS / (uint64_t)debug_get_num_option_null_hz();
--- a/src/xrt/drivers/remote/r_hub.c
+++ b/src/xrt/drivers/remote/r_hub.c
@@ -185,1 +185,1 @@
-	server_address.sin_addr.s_addr = htonl(INADDR_ANY);
+	server_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
@@ -221,1 +221,1 @@
-		struct timeval timeout = {.tv_sec = 1, .tv_usec = 0};
+		struct timeval timeout = {.tv_sec = 0, .tv_usec = 20000};
PATCH
quietly 'patching (is this another version of Monado?)' \
    patch --strip=1 --fuzz=0 --no-backup-if-mismatch --directory=source --input="$work/changes.patch"

say "building Monado $(basename apt/got/monado_*.orig.tar.* | sed 's/^monado_//; s/\.orig.*//')"
rm -rf apt
without=("${without[@]/#/-D}")
quietly configuring cmake -S source -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_{C,CXX}_FLAGS_RELEASE=-O1 \
    -DXRT_FEATURE_SERVICE=OFF "${without[@]/%/=OFF}"
quietly building ninja -C build openxr_monado
targets=build/src/xrt/targets
mkdir -p "$partial"/{inprocess,service}
install -s $targets/openxr/libopenxr_monado.so "$partial/inprocess"

# In the same place: half of it is compiled already.
quietly 'configuring the service' cmake -DXRT_FEATURE_SERVICE=ON build
quietly 'building the service' ninja -C build openxr_monado monado-service
install -s $targets/openxr/libopenxr_monado.so $targets/service/monado-service "$partial/service"

for variant in "$partial"/{inprocess,service}; do
    echo '{"file_format_version": "1.0.0", "runtime": {"name": "Monado", "library_path": "./libopenxr_monado.so"}}' \
        >"$variant/openxr_monado.json"
    install -m 644 source/LICENSES/BSL-1.0.txt "$variant"
done
echo "$digest" >"$partial/ready"
rm -rf "$folder"
mv -T "$partial" "$folder"
