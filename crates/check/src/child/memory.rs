//! The peak memory of this process.

/// Returns the peak memory of this process since it started its program, in bytes; `None` if the system doesn't report
/// it. Not taken from `getrusage`, which counts the parent's memory in a process that has just been started.
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
    fn the_peak_is_the_high_water_mark_of_the_system() {
        assert_eq!(peak("Name:\tloader\nVmPeak:\t  9000 kB\nVmHWM:\t  4860 kB\nVmRSS:\t  100 kB\n"), Some(4_976_640));
        assert_eq!(peak("Name:\tloader\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_is_at_least_the_memory_that_the_process_has_filled() {
        let filled = vec![1_u8; 32 << 20];
        let peak = super::peak_memory().unwrap();
        assert!(peak > filled.iter().filter(|byte| **byte == 1).count() as u64, "{peak}");
    }
}
