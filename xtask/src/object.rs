//! The eBPF object as a file: what is taken out of it, and what must not be in it.

use anyhow::{Context as _, Result, bail, ensure};
use object::{
    build::elf::{Builder, Section, SectionData},
    elf::{SHT_STRTAB, STT_FILE, STT_SECTION},
};

/// Sections that the agent needs: code, map definitions, licence, and both halves of BTF.
const NEEDED: [&[u8]; 5] = [b"xdp", b".maps", b"license", b".BTF", b".BTF.ext"];

/// `linked` without DWARF and without the symbols that only DWARF needs.
pub(crate) fn stripped(linked: &[u8]) -> Result<Vec<u8>> {
    let mut builder = Builder::read(linked).context("reading what bpf-linker wrote")?;
    for section in &mut builder.sections {
        let name: &[u8] = &section.name;
        section.delete = name.starts_with(b".debug_") || name.starts_with(b".rel.debug_");
    }
    builder.delete_orphans();
    for symbol in &mut builder.symbols {
        if symbol.st_type() == STT_FILE {
            symbol.delete = true;
        }
    }
    // LLVM keeps the names of sections and symbols in one table, the writer here in two.
    let has_names = |section: &Section<'_>| matches!(section.data, SectionData::SectionString);
    if !builder.sections.iter().any(has_names) {
        let names = builder.sections.add();
        names.name = b".shstrtab".as_slice().into();
        names.sh_type = SHT_STRTAB;
        names.sh_addralign = 1;
        names.data = SectionData::SectionString;
    }
    builder.set_section_sizes();
    let mut bytes = Vec::new();
    builder.write(&mut bytes).context("writing the object")?;
    check(&bytes)?;
    Ok(bytes)
}

/// Fails unless `object` is whole: every needed section is there and nothing is left to link.
fn check(object: &[u8]) -> Result<()> {
    let builder = Builder::read(object).context("reading the object")?;
    for needed in NEEDED {
        let found = builder.sections.iter().any(|section| {
            let name: &[u8] = &section.name;
            name == needed && matches!(&section.data, SectionData::Data(data) if !data.is_empty())
        });
        ensure!(
            found,
            "the object has no section {}",
            String::from_utf8_lossy(needed)
        );
    }
    for symbol in &builder.symbols {
        // A call that LLVM put in and nothing defines: the kernel would refuse it on users' machines.
        if symbol.section.is_none() && !matches!(symbol.st_type(), STT_FILE | STT_SECTION) {
            bail!("the object lacks a definition of {}", symbol.name);
        }
    }
    Ok(())
}

/// Fails when a path of the machine that built `object` is in it: it would change the bytes from
/// machine to machine, and tell the world about this one.
pub(crate) fn check_paths<'a>(
    object: &[u8],
    paths: impl IntoIterator<Item = &'a str>,
) -> Result<()> {
    for path in paths {
        let trimmed = path.trim_end_matches('/');
        if trimmed.is_empty() {
            continue;
        }
        if let Some(at) = find(object, trimmed.as_bytes()) {
            let rest = object[at..]
                .iter()
                .take_while(|byte| byte.is_ascii_graphic());
            let found: String = rest.map(|&byte| char::from(byte)).collect();
            bail!("the object holds a path of this machine: {found}");
        }
    }
    Ok(())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::committed::Committed;

    #[test]
    fn a_path_of_this_machine_is_found_and_named() {
        let object = b"\0\x01banner/src/main.rs\0/home/me/x/y.rs\0";
        assert!(check_paths(object, ["/usr/lib", "", "/"]).is_ok());
        let error = check_paths(object, ["/usr/lib", "/home/me/"]).unwrap_err();
        assert!(error.to_string().ends_with("/home/me/x/y.rs"), "{error}");
    }

    #[test]
    fn the_committed_objects_are_whole_and_stripping_them_again_changes_nothing() {
        for object in Committed::ALL {
            let committed = std::fs::read(object.path()).unwrap();
            check(&committed).unwrap();
            assert!(stripped(&committed).unwrap() == committed);
        }
    }

    #[test]
    fn an_object_without_btf_is_refused() {
        let committed = std::fs::read(Committed::AGENTS.path()).unwrap();
        let mut builder = Builder::read(committed.as_slice()).unwrap();
        for section in &mut builder.sections {
            let name: &[u8] = &section.name;
            section.delete = name.ends_with(b".BTF.ext");
        }
        builder.delete_orphans();
        builder.set_section_sizes();
        let mut bytes = Vec::new();
        builder.write(&mut bytes).unwrap();
        let error = check(&bytes).unwrap_err().to_string();
        assert!(error.contains(".BTF.ext"), "{error}");
    }
}
