//! Any bytes under any name: what the file is, its bytes say, and all of it can be read to the end or is refused.

#![no_main]

use inventory_base::message::Rule;
use inventory_loader_fuzz::{check_refusal, forgive_calamine, open, read_twice, unless_calamine_panics};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: forgive_calamine(), |bytes: &[u8]| unless_calamine_panics(|| told_by_its_bytes(bytes)));

fn told_by_its_bytes(bytes: &[u8]) {
    match (open(bytes, "stock.csv"), open(bytes, "stock")) {
        (Ok(mut named), Ok(mut nameless)) => {
            assert_eq!(named.sheets(), nameless.sheets());
            assert_eq!(named.is_text(), nameless.is_text());
            assert!(nameless.notes().iter().all(|note| note.rule != Rule::ExtensionDiffers));
            let read = read_twice(&mut named);
            assert_eq!(read, read_twice(&mut nameless), "the name made a difference");
            if let Err(refusal) = read {
                check_refusal(&refusal, "");
            }
        }
        (Err(refusal), Err(other)) => {
            assert_eq!(refusal, other);
            check_refusal(&refusal, "");
        }
        _ => panic!("the name made the difference between read and refused"),
    }
}
