//! The `callboard` binary: everything is in [`callboard::cli`].

// Built without huge pages (`no_thp`): with them a small catalog takes half as much memory again, and is served no faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    allocator::give_back_soon();
    callboard::cli::main()
}
