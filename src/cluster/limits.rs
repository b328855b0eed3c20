//! What a partition allows, as Slurm tells it. Slurm accepts requests above it, and lets them wait for ever.

/// What a partition allows; nothing where Slurm does not say, or sets no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Minutes of a job.
    pub minutes: Option<u64>,
    /// Processors of its largest node.
    pub cpus: Option<u32>,
    /// Megabytes of a job on one node.
    pub megabytes: Option<u64>,
    /// Largest index of an array.
    pub index: Option<u32>,
}

impl Limits {
    /// From `scontrol show config`, `scontrol show partition --oneliner` of one partition, and its nodes as
    /// `sinfo -h -N -o "%c %m"` lists them.
    #[must_use]
    pub fn parse(config: &str, partition: &str, nodes: &str) -> Self {
        let setting = config.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            (name.trim() == "MaxArraySize").then(|| value.trim().parse::<u32>().ok()).flatten()
        });
        let field = |name: &str| {
            partition.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
        };
        let most = |place: usize| -> Option<u64> {
            let numbers = nodes.lines().filter_map(|line| line.split_whitespace().nth(place)?.parse().ok());
            numbers.max()
        };
        let least = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        let number = |name: &str| field(name).and_then(|value| value.parse().ok());
        let cpus = least(most(0), number("MaxCPUsPerNode"));
        Self {
            minutes: field("MaxTime").and_then(minutes),
            cpus: cpus.and_then(|cpus| u32::try_from(cpus).ok()),
            megabytes: least(most(1), number("MaxMemPerNode")),
            index: setting.map(|size| size.saturating_sub(1)).filter(|index| *index > 0),
        }
    }
}

/// The default partition in what `sinfo -h -o %P` prints.
#[must_use]
pub fn default_partition(partitions: &str) -> Option<&str> {
    partitions.lines().find_map(|line| line.trim().strip_suffix('*'))
}

/// Whole minutes of `[DAYS-]HOURS:MINUTES:SECONDS`; none where there is no limit.
fn minutes(time: &str) -> Option<u64> {
    let (days, clock) = time.split_once('-').unwrap_or(("0", time));
    let parts: Vec<u64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hours, minutes, _seconds] = parts.as_slice() else { return None };
    Some(days.parse::<u64>().ok()? * 1440 + hours * 60 + minutes)
}
