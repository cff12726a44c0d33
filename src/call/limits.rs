//! Every limit on what a call may be, with its unit and reason. Sizes are after decompression.

/// One message, as the sender wrote it. Segment's documented 32 KB.
pub const MESSAGE_BYTES_MAX: usize = 32_768;
/// One batch body. Segment's documented 500 KB, which it enforces as 512,000.
pub const BATCH_BYTES_MAX: usize = 512_000;
/// Messages in one batch; the rest is rejected as `batch_too_many`. Segment's documented limit.
pub const BATCH_MESSAGES_MAX: usize = 2_500;
/// How deep JSON may nest. Deeper text could exhaust a reader's stack later on.
pub const JSON_DEPTH_MAX: usize = 64;
/// Longest userId, anonymousId, groupId, previousId. Ids become keys; they are never cut.
pub const ID_BYTES_MAX: usize = 1_024;
/// One stored record: a message plus what its envelope's context adds. Keeps a record inside one inline sled value.
pub const RECORD_BYTES_MAX: usize = 48 * 1024;
/// Years a timestamp may lie in after correction; outside, `received_at` stands in.
pub const YEARS: std::ops::RangeInclusive<i16> = 1970..=2200;
