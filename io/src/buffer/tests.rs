//! Properties of buffers and their pool.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write;

use super::*;

fn allocated() -> u64 {
    FREE.with(|free| free.allocated.get())
}

#[test]
fn capacity_is_the_smallest_class_that_fits() {
    for (asked, given) in [
        (1, 4096),
        (4096, 4096),
        (4097, 16384),
        (65536, 65536),
        (262_144, 262_144),
        (262_145, 262_145),
    ] {
        assert_eq!(
            Buffer::with_capacity(asked).capacity(),
            given,
            "asked for {asked}"
        );
    }
    assert_eq!(Buffer::with_capacity(0).capacity(), 0);
}

#[test]
fn steady_state_allocates_nothing() {
    let work = || {
        let mut small = Buffer::new();
        small.extend_from_slice(b"head");
        small.reserve(20_000);
        let large = Buffer::with_capacity(200_000);
        drop((small, large));
    };
    work();
    let before = allocated();
    (0..100).for_each(|_| work());
    assert_eq!(allocated(), before);
}

#[test]
fn recycled_buffer_is_empty() {
    let mut buffer = Buffer::with_capacity(1);
    buffer.extend_from_slice(b"somebody's key");
    buffer.consume_front(3);
    drop(buffer);
    let buffer = Buffer::with_capacity(1);
    assert!(buffer.is_empty());
    assert_eq!(buffer.spare(), 4096);
}

#[test]
fn pool_keeps_a_bounded_number() {
    let many: Vec<_> = (0..BUFFERS_FREE_MAX[3] + 3)
        .map(|_| Buffer::with_capacity(200_000))
        .collect();
    drop(many);
    FREE.with(|free| assert_eq!(free.classes[3].borrow().len(), BUFFERS_FREE_MAX[3]));
}

#[test]
fn unpooled_sizes_are_not_kept() {
    drop(Buffer::with_capacity(1 << 20));
    let mut grown = Buffer::new();
    grown.as_mut_vec().extend_from_slice(&[0; 5000]);
    drop(grown);
    FREE.with(|free| assert!(free.classes.iter().all(|class| class.borrow().is_empty())));
}

#[test]
fn content_survives_consuming_compacting_and_moving_up() {
    let mut buffer = Buffer::with_capacity(4096);
    let content: Vec<u8> = (0..4000_u32).map(|n| n as u8).collect();
    buffer.extend_from_slice(&content);
    buffer.consume_front(3000);
    assert_eq!(&*buffer, &content[3000..]);
    buffer.reserve(2000);
    assert_eq!((buffer.capacity(), &*buffer), (4096, &content[3000..]));
    buffer.reserve(4000);
    assert_eq!((buffer.capacity(), &*buffer), (16384, &content[3000..]));
    buffer.consume_front(10);
    buffer.as_mut_vec().push(7);
    assert_eq!(buffer.len(), 991);
    assert_eq!(&buffer[..990], &content[3010..]);
    buffer.truncate(5);
    assert_eq!(&*buffer, &content[3010..3015]);
}

#[test]
fn consuming_everything_gives_the_room_back() {
    let mut buffer = Buffer::with_capacity(4096);
    write!(buffer, "{}", "x".repeat(4096)).unwrap();
    assert_eq!(buffer.spare(), 0);
    buffer.consume_front(usize::MAX);
    assert_eq!((buffer.len(), buffer.spare()), (0, 4096));
}

#[test]
fn debug_output_shows_no_content() {
    let mut buffer = Buffer::new();
    buffer.extend_from_slice(b"mcp_secret");
    assert_eq!(format!("{buffer:?}"), "Buffer { len: 10, capacity: 4096 }");
}

#[test]
fn growth_by_small_pieces_moves_the_content_seldom() {
    let mut buffer = Buffer::new();
    let mut moves = 0;
    for _ in 0..2048 {
        let before = buffer.capacity();
        buffer.extend_from_slice(&[7; 4096]);
        moves += usize::from(buffer.capacity() != before);
    }
    assert_eq!(buffer.len(), 8 << 20);
    assert!(moves <= 12, "8 MiB were moved {moves} times");
    assert!(buffer.capacity() <= 16 << 20);
}
