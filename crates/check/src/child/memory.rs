//! How much memory a process has had.

/// The most that this process has had since it runs its program, in bytes, where the system tells. Not by `getrusage`:
/// there a process that has just been started counts what its parent had.
pub fn peak_memory() -> Option<u64> {
    peak(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn peak(status: &str) -> Option<u64> {
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(kilobytes.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::peak;

    #[test]
    fn the_peak_is_what_the_system_calls_its_high_water_mark() {
        assert_eq!(peak("Name:\tloader\nVmPeak:\t  9000 kB\nVmHWM:\t  4860 kB\nVmRSS:\t  100 kB\n"), Some(4_976_640));
        assert_eq!(peak("Name:\tloader\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_had_at_least_what_it_has_filled() {
        let filled = vec![1_u8; 32 << 20];
        let peak = super::peak_memory().unwrap();
        assert!(peak > filled.iter().filter(|byte| **byte == 1).count() as u64, "{peak}");
    }
}
