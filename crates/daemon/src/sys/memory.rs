//! Memory that was only needed to start.
//!
//! Reading the configuration and starting the programs touches code that a waiting supervisor never runs again. The
//! kernel maps it in pieces of 64 KiB around each touched page and keeps it mapped for ever; on a board of 512 MB that
//! is most of what a small supervisor takes. Pages given back here come again, from the page cache, when they are run.

use std::ffi::{c_int, c_void};

/// Gives back code and constants that are mapped, and free pages of the heap. What cannot be given back stays.
pub fn give_back() {
    // SAFETY: `unmap_constant` has the signature that is asked for and keeps nothing of what it is given.
    unsafe { libc::dl_iterate_phdr(Some(unmap_constant), std::ptr::null_mut()) };
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes a number and looks after its own locks.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Unmaps the pages of every segment that can never have been written: their content is that of their file.
unsafe extern "C" fn unmap_constant(
    object: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    _data: *mut c_void,
) -> c_int {
    // SAFETY: the C library hands in a description that lives during the call, with `dlpi_phnum` headers; the name is
    // a C string or null.
    let (base, headers, name) = unsafe {
        let object = &*object;
        if object.dlpi_phdr.is_null() || object.dlpi_name.is_null() {
            return 0;
        }
        (
            object.dlpi_addr,
            std::slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into()),
            std::ffi::CStr::from_ptr(object.dlpi_name),
        )
    };
    // the program itself has no name; what has one without a path is the kernel's own page of code, not a file
    if !name.is_empty() && !name.to_bytes().contains(&b'/') {
        return 0;
    }
    for header in headers {
        if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_W != 0 {
            continue;
        }
        unmap((base + header.p_vaddr) as usize, header.p_memsz as usize);
    }
    0
}

/// Unmaps the whole pages within a segment that is never written.
fn unmap(start: usize, length: usize) {
    // SAFETY: sysconf takes a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.max(4096) as usize;
    let first = start.next_multiple_of(page);
    let end = (start + length) / page * page;
    if let Some(length) = end.checked_sub(first).filter(|length| *length > 0) {
        // SAFETY: the pages are mapped from a file and were never written, so they read the same when they are mapped
        // again at their next use.
        unsafe { libc::madvise(first as *mut c_void, length, libc::MADV_DONTNEED) };
    }
}

#[cfg(test)]
mod tests {
    use super::give_back;

    /// Resident pages that belong to files.
    fn file_pages() -> u64 {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap();
        text.split_whitespace().nth(2).unwrap().parse().unwrap()
    }

    #[test]
    fn pages_go_and_the_program_runs_on() {
        let before = file_pages();
        give_back();
        let after = file_pages();
        assert!(after < before, "{after} of {before} pages are still there");
        // code, constants and relocated data still are what they were
        let text = format!("{:>5} {:?}", 42, std::env::var_os("no such name"));
        assert_eq!(text, "   42 None");
        assert!(std::panic::catch_unwind(|| panic!("unwinding reads tables that were given back")).is_err());
    }
}
