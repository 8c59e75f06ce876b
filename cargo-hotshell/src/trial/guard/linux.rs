//! glibc and Linux: an interposed malloc family, system calls dispatched to a handler, and a note left at death.
//!
//! Called by: `trial/guard`, and every allocation of this command: the executable's `malloc` stands before the C
//! library's, for the libraries that it loads too. Calls: glibc, the kernel. Threads: each watches itself; handlers run on
//! the thread they hit.
//!
//! System calls are seen by *syscall user dispatch* (Linux 5.11, x86-64): while the selector byte says so, the kernel
//! sends SIGSYS in the place of a call. The handler writes down the first one, opens the selector and lets the thread
//! make the same call again, so the code under trial sees no difference. Elsewhere the times that the thread waited
//! are counted.

#![allow(unsafe_code, reason = "stands in for malloc, handles signals; each block says what makes it sound")]

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed,
};

use super::{Offences, Place, place};

const MOST_FRAMES: usize = 48;
/// The same as C counts.
const MOST_C_FRAMES: c_int = 48;

thread_local! {
    static ARMED: Cell<bool> = const { Cell::new(false) };
    static SEEN: Cell<u64> = const { Cell::new(0) };
}

/// One call stack, written by the thread under trial (or its handler), read by it later.
struct Stack {
    depth: AtomicUsize,
    frames: [AtomicUsize; MOST_FRAMES],
}

impl Stack {
    const fn new() -> Self {
        Self { depth: AtomicUsize::new(0), frames: [const { AtomicUsize::new(0) }; MOST_FRAMES] }
    }

    #[cold]
    #[inline(never)]
    fn keep(&self) {
        let mut raw = [ptr::null_mut::<c_void>(); MOST_FRAMES];
        // SAFETY: room for `MOST_FRAMES` addresses. `warm` has loaded what its first call would load.
        let depth = unsafe { libc::backtrace(raw.as_mut_ptr(), MOST_C_FRAMES) };
        let depth = usize::try_from(depth).unwrap_or(0).min(MOST_FRAMES);
        for (to, from) in self.frames.iter().zip(&raw[..depth]) {
            to.store(from.addr(), Relaxed);
        }
        self.depth.store(depth, Relaxed);
    }

    fn take(&self) -> Vec<usize> {
        let depth = self.depth.swap(0, Relaxed).min(MOST_FRAMES);
        self.frames[..depth].iter().map(|frame| frame.load(Relaxed)).collect()
    }
}

static MEMORY: Stack = Stack::new();
static CALL: Stack = Stack::new();
static PANIC: Stack = Stack::new();

/// A place to break at under a debugger: something happened that must not.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn hotshell_trial_fault() {
    std::hint::black_box(());
}

/// What is planted to see whether anything is seen is no fault.
static READY: AtomicBool = AtomicBool::new(false);

fn fault() {
    if READY.load(Relaxed) {
        hotshell_trial_fault();
    }
}

#[inline]
fn note() {
    if ARMED.get() {
        noted();
    }
}

#[cold]
#[inline(never)]
fn noted() {
    ARMED.set(false);
    if SEEN.replace(SEEN.get() + 1) == 0 {
        let open = SELECTOR.swap(ALLOW, Relaxed);
        MEMORY.keep();
        fault();
        SELECTOR.store(open, Relaxed);
    }
    ARMED.set(true);
}

mod interposed {
    //! The malloc family of this executable. Each notes the call and goes on to glibc's own under its other name.

    use super::note;
    use std::ffi::{c_int, c_void};
    use std::ptr;

    unsafe extern "C" {
        fn __libc_malloc(size: usize) -> *mut c_void;
        fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
        fn __libc_realloc(old: *mut c_void, size: usize) -> *mut c_void;
        fn __libc_memalign(align: usize, size: usize) -> *mut c_void;
        fn __libc_free(old: *mut c_void);
    }

    /// # Safety
    /// As C's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
        note();
        // SAFETY: the caller keeps `malloc`'s contract, which is this function's; so below.
        unsafe { __libc_malloc(size) }
    }

    /// # Safety
    /// As C's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
        note();
        // SAFETY: as above.
        unsafe { __libc_calloc(count, size) }
    }

    /// # Safety
    /// As C's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn realloc(old: *mut c_void, size: usize) -> *mut c_void {
        note();
        // SAFETY: as above.
        unsafe { __libc_realloc(old, size) }
    }

    /// # Safety
    /// As C's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
        note();
        // SAFETY: as above.
        unsafe { __libc_memalign(align, size) }
    }

    /// # Safety
    /// As C's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
        note();
        // SAFETY: as above.
        unsafe { __libc_memalign(align, size) }
    }

    /// # Safety
    /// As C's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int {
        note();
        if !align.is_power_of_two() || !align.is_multiple_of(size_of::<*mut c_void>()) {
            return libc::EINVAL;
        }
        // SAFETY: as above.
        let made = unsafe { __libc_memalign(align, size) };
        if ptr::eq(made, ptr::null()) {
            return libc::ENOMEM;
        }
        // SAFETY: by contract `out` is writable.
        unsafe { *out = made };
        0
    }

    /// # Safety
    /// As C's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn free(old: *mut c_void) {
        if !old.is_null() {
            note();
        }
        // SAFETY: as above.
        unsafe { __libc_free(old) }
    }
}

static EXPECT_PANICS: AtomicBool = AtomicBool::new(false);
/// The unwinder's own function of that name; 0 until it was looked up.
static RAISE: AtomicUsize = AtomicUsize::new(0);

/// Where every panic passes before it unwinds: in front of the unwinder's own, to see the stack while it stands.
///
/// # Safety
/// As the unwinder's: `exception` is a valid exception object.
#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn _Unwind_RaiseException(exception: *mut c_void) -> c_int {
    if EXPECT_PANICS.load(Relaxed) {
        let armed = ARMED.replace(false);
        PANIC.keep();
        fault();
        ARMED.set(armed);
    }
    let mut raise = RAISE.load(Relaxed);
    if raise == 0 {
        raise = own_raise();
    }
    if raise == 0 {
        // Nobody to unwind: as the unwinder's "end of stack", upon which the caller aborts.
        return 5;
    }
    // SAFETY: the address of the unwinder's function of this name and type, found by the dynamic loader.
    let raise: unsafe extern "C-unwind" fn(*mut c_void) -> c_int = unsafe { std::mem::transmute(raise) };
    // SAFETY: the caller's contract is this function's.
    unsafe { raise(exception) }
}

fn own_raise() -> usize {
    // SAFETY: a C string; `RTLD_NEXT` asks for the next definition after this executable's.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, c"_Unwind_RaiseException".as_ptr()) };
    RAISE.store(found.addr(), Relaxed);
    found.addr()
}

/// From here on the stacks of panics are kept, or not.
pub fn expect_panics(on: bool) {
    EXPECT_PANICS.store(on, Relaxed);
}

/// The call stack of the last panic, innermost first.
pub fn take_panic() -> Vec<usize> {
    PANIC.take()
}

const ALLOW: u8 = 0;
const BLOCK: u8 = 1;
/// Read by the kernel at each system call of the thread under trial.
static SELECTOR: AtomicU8 = AtomicU8::new(ALLOW);
static DISPATCHED: AtomicBool = AtomicBool::new(false);
static FIRST_CALL: AtomicI64 = AtomicI64::new(NONE);
const NONE: i64 = -1;

#[cfg(target_arch = "x86_64")]
const PR_SET_SYSCALL_USER_DISPATCH: c_int = 59;
#[cfg(target_arch = "x86_64")]
const PR_SYS_DISPATCH_ON: c_int = 1;

/// Calls that a busy kernel clock source costs on some machines, and that wait for nobody.
#[cfg(target_arch = "x86_64")]
fn is_harmless(call: i64) -> bool {
    [libc::SYS_clock_gettime, libc::SYS_gettimeofday, libc::SYS_getcpu].contains(&call)
}

#[cfg(target_arch = "x86_64")]
extern "C" fn on_system_call(_signal: c_int, _info: *mut libc::siginfo_t, context: *mut c_void) {
    // First: this handler's own return is a system call too.
    SELECTOR.store(ALLOW, Relaxed);
    // SAFETY: the kernel hands a handler with SA_SIGINFO a ucontext that it alone uses.
    let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    let call = registers[libc::REG_RAX as usize];
    if !is_harmless(call) && FIRST_CALL.load(Relaxed) == NONE {
        FIRST_CALL.store(call, Relaxed);
        let armed = ARMED.replace(false);
        CALL.keep();
        fault();
        ARMED.set(armed);
    }
    // Back before the `syscall` instruction, two bytes long: the same call again, and this time it passes.
    registers[libc::REG_RIP as usize] -= 2;
}

/// Sends this thread's system calls to the handler while the selector says so. False where the kernel cannot.
#[cfg(target_arch = "x86_64")]
fn dispatch() -> bool {
    handle(libc::SIGSYS, on_system_call, libc::SA_NODEFER);
    // SAFETY: the selector is a static: readable for ever.
    unsafe {
        libc::prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0_usize, 0_usize, SELECTOR.as_ptr())
            == 0
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn dispatch() -> bool {
    false
}

type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

fn handle(signal: c_int, handler: Handler, flags: c_int) {
    // SAFETY: zero is a valid `sigaction`: an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as usize;
    action.sa_flags = libc::SA_SIGINFO | flags;
    // SAFETY: a filled-in action whose handler keeps to what may be called there.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
}

/// Readies this thread to be watched. Answers what cannot be seen on this machine.
pub fn prepare() -> Vec<&'static str> {
    // Its first call loads a library.
    Stack::new().keep();
    own_raise();
    DISPATCHED.store(dispatch(), Relaxed);
    let mut blind = Vec::new();
    let (memory, seen) = watch(|| std::hint::black_box(Box::new(std::hint::black_box(7_u64))));
    drop(memory);
    if seen.memory == 0 {
        blind.push("allocations in `process`");
    }
    let (_, seen) = watch(rustix::process::getppid);
    if seen.system_call.is_none() {
        DISPATCHED.store(false, Relaxed);
        blind.push("system calls in `process` (only waits are; that takes Linux 5.11 on x86-64)");
    }
    READY.store(true, Relaxed);
    blind
}

/// Runs `call` and answers what it did on this thread.
pub fn watch<R>(call: impl FnOnce() -> R) -> (R, Offences) {
    let (waits, cpu) = (waits(), cpu_ns());
    MEMORY.depth.store(0, Relaxed);
    CALL.depth.store(0, Relaxed);
    FIRST_CALL.store(NONE, Relaxed);
    SEEN.set(0);
    let dispatched = DISPATCHED.load(Relaxed);
    if dispatched {
        SELECTOR.store(BLOCK, Relaxed);
    }
    ARMED.set(true);
    let answer = call();
    ARMED.set(false);
    SELECTOR.store(ALLOW, Relaxed);
    let first = FIRST_CALL.load(Relaxed);
    let offences = Offences {
        memory: SEEN.get(),
        memory_stack: MEMORY.take(),
        system_call: (first != NONE).then_some(first),
        call_stack: CALL.take(),
        waits: if dispatched { 0 } else { self::waits().saturating_sub(waits) },
        cpu_ns: cpu_ns().saturating_sub(cpu),
    };
    (answer, offences)
}

/// Times that this thread has given the processor away.
fn waits() -> u64 {
    // SAFETY: zero is a valid `rusage`, and the call writes to it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage);
        usage
    };
    u64::try_from(usage.ru_nvcsw).unwrap_or(0)
}

fn cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

static REPORT: AtomicI32 = AtomicI32::new(-1);
/// The thread under trial, and where its stack begins.
static THREAD: AtomicU64 = AtomicU64::new(0);
static THREAD_ID: AtomicI32 = AtomicI32::new(0);
static STACK_TOP: AtomicUsize = AtomicUsize::new(0);

/// Stack of the thread under trial, in bytes: what the reload thread of a host has.
pub const STACK_BYTES: usize = 2 << 20;
const NOTE_STACK: usize = 128 << 10;

/// From here on this process writes to `report` what kills it, and where. On the thread under trial.
pub fn death_note(report: &File) {
    let mark = 0_u8;
    STACK_TOP.store(ptr::from_ref(&mark).addr(), Relaxed);
    REPORT.store(report.as_raw_fd(), Relaxed);
    // SAFETY: no arguments; the thread lives until the process ends.
    THREAD.store(unsafe { libc::pthread_self() }, Relaxed);
    THREAD_ID.store(rustix::thread::gettid().as_raw_nonzero().get(), Relaxed);
    let memory = Box::leak(vec![0_u8; NOTE_STACK].into_boxed_slice());
    let stack = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: NOTE_STACK };
    // SAFETY: memory of that size, leaked: valid as long as the thread.
    unsafe { libc::sigaltstack(&raw const stack, ptr::null_mut()) };
    for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT, libc::SIGTRAP] {
        handle(signal, on_death, libc::SA_ONSTACK | libc::SA_RESETHAND | libc::SA_NODEFER);
    }
    handle(libc::SIGUSR1, on_hang, libc::SA_ONSTACK);
    // SAFETY: a function that lives as long as the process.
    unsafe { libc::atexit(on_exit) };
}

extern "C" fn on_death(signal: c_int, info: *mut libc::siginfo_t, _context: *mut c_void) {
    SELECTOR.store(ALLOW, Relaxed);
    ARMED.set(false);
    // SAFETY: the kernel's own, valid in the handler; `si_addr` is a plain read.
    let address = unsafe { (*info).si_addr() }.addr();
    let top = STACK_TOP.load(Relaxed);
    let low = top.saturating_sub(STACK_BYTES);
    // Roughly: where the guard page lies depends on what the C library keeps above the stack.
    let overflow = signal == libc::SIGSEGV && address.abs_diff(low) < STACK_BYTES / 8;
    write_note(signal, overflow);
    // `SA_RESETHAND` has put the default back: this time it kills.
    // SAFETY: no memory involved.
    unsafe { libc::raise(signal) };
}

/// Somebody ended the process who is not `main`.
extern "C" fn on_exit() {
    if place().0 != Place::End {
        SELECTOR.store(ALLOW, Relaxed);
        ARMED.set(false);
        write_note(super::EXITED, false);
    }
}

extern "C" fn on_hang(_signal: c_int, _info: *mut libc::siginfo_t, _context: *mut c_void) {
    SELECTOR.store(ALLOW, Relaxed);
    ARMED.set(false);
    write_note(0, false);
    // SAFETY: ends the process at once; nothing of it runs any more.
    unsafe { libc::_exit(super::super::child::HUNG) };
}

/// Two lines of JSON, the stack last: taking it may be what fails.
fn write_note(signal: c_int, overflow: bool) {
    let (call, block) = place();
    let mut line = Line::new();
    line.text("\n{\"died\":{\"signal\":").number(u64::from(signal.unsigned_abs()));
    line.text(",\"overflow\":").text(if overflow { "true" } else { "false" });
    line.text(",\"call\":").number(call as u64);
    line.text(",\"block\":").number(u64::from(block)).text(",\"system_call\":");
    match u64::try_from(FIRST_CALL.load(Relaxed)) {
        Ok(call) => line.number(call),
        Err(_) => line.text("-1"),
    };
    line.text("}}\n").send();
    static STACK: Stack = Stack::new();
    STACK.keep();
    line.text("{\"stack\":[");
    for (place, frame) in STACK.frames[..STACK.depth.load(Relaxed)].iter().enumerate() {
        line.text(if place > 0 { "," } else { "" }).number(frame.load(Relaxed) as u64);
    }
    line.text("]}\n").send();
}

/// Text in fixed memory: a handler may not allocate.
struct Line {
    bytes: [u8; 2048],
    length: usize,
}

impl Line {
    const fn new() -> Self {
        Self { bytes: [0; 2048], length: 0 }
    }

    fn text(&mut self, text: &str) -> &mut Self {
        for (to, from) in self.bytes[self.length..].iter_mut().zip(text.as_bytes()) {
            *to = *from;
            self.length += 1;
        }
        self
    }

    fn number(&mut self, mut number: u64) -> &mut Self {
        let mut digits = [0_u8; 20];
        let mut from = digits.len();
        loop {
            from -= 1;
            digits[from] = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.text(std::str::from_utf8(&digits[from..]).unwrap_or("0"))
    }

    fn send(&mut self) {
        // SAFETY: initialised bytes; `write` may be called in a handler. What it could not write nobody could.
        let _ = unsafe { libc::write(REPORT.load(Relaxed), self.bytes.as_ptr().cast(), self.length) };
        self.length = 0;
    }
}

/// True while the thread under trial waits for something other than a processor. From the watchdog.
pub fn is_asleep() -> bool {
    let stat = format!("/proc/self/task/{}/stat", THREAD_ID.load(Relaxed));
    // After the name in parentheses.
    let state = std::fs::read_to_string(stat).ok().and_then(|text| text.rsplit_once(") ")?.1.chars().next());
    matches!(state, Some('S' | 'D'))
}

/// Makes the thread under trial say where it is, and ends the process. From the watchdog.
pub fn end_as_hung() {
    // SAFETY: the thread lives until the process ends.
    unsafe { libc::pthread_kill(THREAD.load(Relaxed), libc::SIGUSR1) };
}

/// No core file, and no life without the parent.
pub fn leave_nothing() {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    // Refused where it may not be lowered: then the system's own setting counts.
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}
