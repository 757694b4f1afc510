//! Confines the child: limits its memory, processor time and files, and gives up root.

use std::io;

use super::Limits;

const MEGABYTE: u64 = 1 << 20;
/// Standard input, output and error, and a few that the reader opens for its standard input.
#[cfg(target_os = "linux")]
const OPEN_FILES: u64 = 16;

/// Drops every right and resource that reading a file does not need. Call it before touching the file; it cannot be
/// undone.
pub fn confine(limits: Limits) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let at_most = |n| Rlimit { current: Some(n), maximum: Some(n) };
    // The soft limit sends SIGXCPU, which shows the parent why; the hard limit, a second later, sends SIGKILL.
    let processor = Rlimit { current: Some(limits.processor_seconds), maximum: Some(limits.processor_seconds + 1) };
    setrlimit(Resource::Cpu, processor)?;
    setrlimit(Resource::Core, at_most(0))?;
    setrlimit(Resource::Fsize, at_most(0))?;
    // Data rather than address space, because the latter includes what threads merely reserve.
    setrlimit(Resource::Data, at_most(limits.megabytes * MEGABYTE))?;
    #[cfg(target_os = "linux")]
    {
        setrlimit(Resource::Nofile, at_most(OPEN_FILES))?;
        leave_root()?;
        rustix::thread::set_no_new_privs(true)?;
        // After the change of user, which would reset it.
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    }
    Ok(())
}

/// Switches from root to the user `nobody`: root can read everything, including the parent's AWS keys under /proc. On
/// Lambda the parent isn't root; there it makes itself unreadable instead.
#[cfg(target_os = "linux")]
fn leave_root() -> io::Result<()> {
    const NOBODY: u32 = 65534;
    use rustix::process::{Gid, Uid, geteuid};
    if !geteuid().is_root() {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(group, group, group)?;
    rustix::thread::set_thread_res_uid(user, user, user)?;
    Ok(())
}
