/* What a real-time block must not do, watched from below:
 *
 * - the malloc family, interposed for the whole process (the test executable's symbols come first, so libraries that
 *   are loaded later use them too), counted on a thread while that thread is armed;
 * - system calls, in every block: Linux's Syscall User Dispatch turns the first one of an armed thread into SIGSYS; the
 *   handler counts it, disarms, and has it made again, so that whoever made it notices nothing;
 * - system calls, refused: a seccomp filter turns every one on a thread into SIGSYS, counted by the handler. The filter
 *   stays for the life of the thread; leaving it is the only call that gets through.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#define FRAMES 32

/* Before Linux 5.11, on other processors and under a sanitizer there is none. */
#if defined(__x86_64__) && !defined(HOTSHELL_NO_INTERPOSERS)
#define HOTSHELL_DISPATCH
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif
#endif

static __thread int armed __attribute__((tls_model("initial-exec")));
static __thread uint64_t seen __attribute__((tls_model("initial-exec")));

static void *first[FRAMES];
static atomic_int first_depth;

void hotshell_guard_warm(void) {
    void *frames[4];
    backtrace(frames, 4); /* its first call loads a library */
}

static void watch_begin(void);
static void watch_end(void);

void hotshell_guard_arm(void) {
    seen = 0;
    watch_begin();
    armed = 1;
}

uint64_t hotshell_guard_disarm(void) {
    armed = 0;
    watch_end();
    return seen;
}

int hotshell_guard_first(void **frames, int capacity) {
    int depth = atomic_load(&first_depth);
    int copied = depth < capacity ? depth : capacity;
    memcpy(frames, first, sizeof(void *) * (size_t)copied);
    return copied;
}

void hotshell_guard_forget(void) { atomic_store(&first_depth, 0); }

#ifdef HOTSHELL_NO_INTERPOSERS
int hotshell_guard_available(void) { return 0; }
#else
int hotshell_guard_available(void) { return 1; }

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static __thread int busy __attribute__((tls_model("initial-exec")));

static void note(void) {
    if (!armed || busy)
        return;
    busy = 1;
    seen++;
    if (atomic_load(&first_depth) == 0)
        atomic_store(&first_depth, backtrace(first, FRAMES));
    busy = 0;
}

void *malloc(size_t size) {
    note();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    note();
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    note();
    return __libc_realloc(old, size);
}

void *memalign(size_t align, size_t size) {
    note();
    return __libc_memalign(align, size);
}

void *aligned_alloc(size_t align, size_t size) {
    note();
    return __libc_memalign(align, size);
}

int posix_memalign(void **out, size_t align, size_t size) {
    note();
    void *made = __libc_memalign(align, size);
    if (made == NULL)
        return ENOMEM;
    *out = made;
    return 0;
}

void free(void *old) {
    if (old != NULL)
        note();
    __libc_free(old);
}
#endif

/* Each thread's own: a trapped thread that ends (sigaltstack, munmap) is no block of another test's. In the program
 * itself, so that a signal handler may touch them. */
static _Thread_local atomic_int watching;
static _Thread_local atomic_ullong trapped;
static _Thread_local atomic_int first_call;

/* What the kernel reads at each system call of an armed thread: 0, it is made; 1, SIGSYS. */
static _Thread_local volatile char selector;
/* A seccomp filter is on this thread. */
static _Thread_local int refuses;
static _Thread_local int entered;

static void on_trap(int signal, siginfo_t *info, void *raw) {
    (void)signal;
#ifdef HOTSHELL_DISPATCH
    if (info->si_code == SYS_USER_DISPATCH) {
        selector = 0;
        entered = 1;
        if (atomic_load(&first_depth) == 0)
            atomic_store(&first_depth, backtrace(first, FRAMES));
        /* Back to the instruction, of two bytes, whose registers are as they were. */
        ((ucontext_t *)raw)->uc_mcontext.gregs[REG_RIP] -= 2;
        return;
    }
#endif
    if (atomic_load(&watching)) {
        if (atomic_fetch_add(&trapped, 1) == 0)
            atomic_store(&first_call, info->si_syscall);
    }
    ucontext_t *context = raw;
#if defined(__x86_64__)
    context->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
#elif defined(__aarch64__)
    context->uc_mcontext.regs[0] = (uint64_t)-ENOSYS;
#endif
}

/* Readies the handler; on any thread, once. */
int hotshell_trap_prepare(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_trap;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    return sigaction(SIGSYS, &action, NULL);
}

/* From here on every system call of this thread is refused and counted, but for the two that end a signal handler and
 * a thread. */
int hotshell_trap_install(void) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    atomic_store(&trapped, 0);
    atomic_store(&first_call, -1);
    refuses = 1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? 0 : -1;
}

void hotshell_trap_watch(int on) { atomic_store(&watching, on); }
uint64_t hotshell_trap_count(void) { return atomic_load(&trapped); }
int hotshell_trap_first(void) { return atomic_load(&first_call); }

#ifdef HOTSHELL_DISPATCH
static void prepare(void) { hotshell_trap_prepare(); }

static void watch_begin(void) {
    static pthread_once_t ready = PTHREAD_ONCE_INIT;
    entered = 0;
    if (refuses)
        return;
    pthread_once(&ready, prepare);
    selector = 0;
    if (prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, &selector) == 0)
        selector = 1;
}

static void watch_end(void) {
    selector = 0;
    if (!refuses)
        prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0);
}
#else
static void watch_begin(void) { entered = 0; }
static void watch_end(void) {}
#endif

/* Whether the calling thread has made a system call between the last arming and its end. */
int hotshell_guard_entered(void) { return entered; }
