//! Proves that `wsproto` without its default features, and all that it depends on, is free of std.
//!
//! A target without std would prove it by building; this needs no target installed. A program has
//! one panic handler. std brings its own, so if anything below this crate links std, the compiler
//! finds a second one here and names the crate that brought it (E0152).

#![no_std]

extern crate wsproto as _;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
