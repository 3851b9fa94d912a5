//! Memory of tables, in huge pages where the machine has them.
//!
//! A table of a million keys is looked into at random. With pages of 4 KiB each look also misses the translation
//! cache; with pages of 2 MiB it does not: a decision on one of a million keys took 100 to 117 ns
//! instead of 122 to 141 (`bench limiter` with huge pages forbidden and allowed, in turn).

/// So many default values. On Linux the memory is asked for in huge pages before it is touched.
pub(crate) fn filled<T: Default>(count: usize) -> Box<[T]> {
    let mut slots = Vec::with_capacity(count);
    ask_for_huge_pages(&mut slots);
    slots.resize_with(count, T::default);
    slots.into_boxed_slice()
}

/// Advice that the kernel may leave unheard: then pages are small, and everything else is the same.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "madvise is a foreign call; without it decisions are a sixth slower")]
fn ask_for_huge_pages<T>(memory: &mut Vec<T>) {
    const PAGE: usize = 4_096;
    const HUGE_PAGE: usize = 2 << 20;
    let bytes = memory.capacity() * size_of::<T>();
    let spare = memory.spare_capacity_mut().as_mut_ptr().cast::<u8>();
    let to_page = spare.align_offset(PAGE);
    if bytes < HUGE_PAGE || to_page >= bytes {
        return;
    }
    let length = (bytes - to_page) / PAGE * PAGE;
    let begin = spare.wrapping_add(to_page).cast();
    // SAFETY: the range is whole pages within the vector's own allocation, and this advice changes neither contents
    // nor validity of any page, only how the kernel backs it.
    let advised = unsafe { rustix::mm::madvise(begin, length, rustix::mm::Advice::LinuxHugepage) };
    // A kernel without huge pages says so; that is an answer, not a failure.
    advised.ok();
}

#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages<T>(_: &mut Vec<T>) {}
