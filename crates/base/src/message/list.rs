//! Lists in sentences: the first few items are named, the others are counted.

use super::count;

/// Joins at most `limit` items with commas, then says how many more there are.
pub fn listed(items: &[String], limit: usize) -> String {
    match items.len().checked_sub(limit) {
        None | Some(0) => items.join(", "),
        Some(more) => format!("{}, and {} more", items[..limit].join(", "), count(more as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortened_list_says_how_many_more_there_are() {
        let items = |n: usize| (1..=n).map(|i| i.to_string()).collect::<Vec<_>>();
        for (n, expected) in
            [(0, ""), (1, "1"), (3, "1, 2, 3"), (4, "1, 2, 3, and 1 more"), (15, "1, 2, 3, and 12 more")]
        {
            assert_eq!(listed(&items(n), 3), expected);
        }
    }
}
