//! The compiled program.

use aya::{Ebpf, EbpfLoader, include_bytes_aligned, programs::Xdp};
use banner_common::{BANS4, BANS6, COUNTERS, NEVER4, NEVER6, PROGRAM};

use super::{XdpError, pins::Pins};

/// What `cargo xtask build-ebpf` made of `banner-ebpf`; its record is `banner.bpf.toml`.
pub(super) static OBJECT: &[u8] = include_bytes_aligned!("banner.bpf.o");

/// Loads the program over the pinned maps, or over new ones that are pinned then. With `resize`,
/// the ban maps are new ones beside the pinned ones.
pub(super) fn load(pins: &Pins, max_bans: u32, resize: bool) -> Result<Ebpf, XdpError> {
    let mut loader = EbpfLoader::new();
    // Nothing in the program depends on the layout of kernel structures.
    loader.btf(None);
    for map in [BANS4, BANS6] {
        loader.map_max_entries(map, max_bans);
        loader.map_pin_path(
            map,
            if resize {
                pins.resized(map)
            } else {
                pins.map(map)
            },
        );
    }
    for map in [NEVER4, NEVER6, COUNTERS] {
        loader.map_pin_path(map, pins.map(map));
    }
    let mut object = loader.load(OBJECT)?;
    program(&mut object, PROGRAM)?.load()?;
    Ok(object)
}

/// The program of this name.
pub(super) fn program<'o>(
    object: &'o mut Ebpf,
    name: &'static str,
) -> Result<&'o mut Xdp, XdpError> {
    let program = object.program_mut(name).ok_or(XdpError::Incomplete(name))?;
    Ok(program.try_into()?)
}
