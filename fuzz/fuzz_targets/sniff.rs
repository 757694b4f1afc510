//! Any bytes with any name: the content decides the file format, and the file is read to its end or refused.

#![no_main]

use inventory_base::message::Rule;
use inventory_loader_fuzz::{check_refusal, forgive_calamine, open, read_twice, unless_calamine_panics};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: forgive_calamine(), |bytes: &[u8]| unless_calamine_panics(|| check_that_only_the_content_decides(bytes)));

fn check_that_only_the_content_decides(bytes: &[u8]) {
    match (open(bytes, "stock.csv"), open(bytes, "stock")) {
        (Ok(mut named), Ok(mut nameless)) => {
            assert_eq!(named.sheets(), nameless.sheets());
            assert_eq!(named.is_text(), nameless.is_text());
            assert!(nameless.notes().iter().all(|note| note.rule != Rule::ExtensionDiffers));
            let read = read_twice(&mut named);
            assert_eq!(read, read_twice(&mut nameless), "the name changed the rows");
            if let Err(refusal) = read {
                check_refusal(&refusal, "");
            }
        }
        (Err(refusal), Err(other)) => {
            assert_eq!(refusal, other);
            check_refusal(&refusal, "");
        }
        _ => panic!("the name decided whether the file is read or refused"),
    }
}
