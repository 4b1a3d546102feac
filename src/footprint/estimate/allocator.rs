//! What wgpu's allocator reserves, predicted: the blocks that gpu-allocator 0.28 takes from the driver for a list of buffers.
//!
//! wgpu 30 gives Vulkan and DX12 buffers from it. A buffer larger than the next block would be has a block of its own; others are
//! placed where they fit best, in the youngest block first; where they fit nowhere, a new block is taken, twice as large as the last
//! until the largest size. The last of the shared blocks is kept when it is empty. Exact while there are only buffers and nothing is
//! freed; afterwards two free places of one size may be told apart otherwise than here, by a block at most.

/// The sizes of shared blocks, in bytes: the smallest and the largest, of memory that only the device sees and of memory that the host sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Of memory that only the device sees.
    pub device: [u64; 2],
    /// Of memory that the host can map. On a software device that is all there is.
    pub host: [u64; 2],
}

const MIB: u64 = 1 << 20;

/// The buffers that wgpu 30 makes for itself when a device is opened and keeps, in bytes: zeros from which textures are cleared, and parameters
/// of an external texture. (A staging buffer for the latter goes with the first submit.)
pub const WGPU_OWN: [u64; 2] = [512 << 10, 208];

impl Policy {
    /// wgpu 30's `MemoryHints::Performance`.
    pub const PERFORMANCE: Self = Self { device: [128 * MIB, 256 * MIB], host: [64 * MIB, 128 * MIB] };
    /// wgpu 30's `MemoryHints::MemoryUsage`.
    pub const MEMORY_USAGE: Self = Self { device: [8 * MIB, 64 * MIB], host: [4 * MIB, 32 * MIB] };

    /// wgpu 30's `MemoryHints::Manual` with blocks of `least` to `most` bytes: clamped to 4 to 256 MiB and rounded up to 4 MiB; half of that for
    /// memory that the host can map.
    #[must_use]
    pub const fn manual(least: u64, most: u64) -> Self {
        const fn adjusted(bytes: u64) -> u64 {
            let clamped = if bytes < 4 * MIB {
                4 * MIB
            } else if bytes > 256 * MIB {
                256 * MIB
            } else {
                bytes
            };
            clamped.div_ceil(4 * MIB) * 4 * MIB
        }
        const fn range(least: u64, most: u64) -> [u64; 2] {
            let (least, most) = (adjusted(least), adjusted(most));
            [least, if most > least { most } else { least }]
        }
        Self { device: range(least, most), host: range(least / 2, most / 2) }
    }

    /// Bytes of the next shared block, where so many are there.
    fn next(&self, host_visible: bool, blocks: usize) -> u64 {
        let [least, most] = if host_visible { self.host } else { self.device };
        (least << blocks.min(7)).min(most)
    }
}

/// The allocator of one device.
#[derive(Clone, Debug)]
pub struct Allocator {
    policy: Policy,
    types: Vec<MemoryType>,
}

#[derive(Clone, Debug)]
struct MemoryType {
    host_visible: bool,
    blocks: Vec<Option<Block>>,
    shared: usize,
}

#[derive(Clone, Debug)]
struct Block {
    size: u64,
    own: bool,
    // By offset; the last one is what is left.
    chunks: Vec<Chunk>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chunk {
    offset: u64,
    size: u64,
    used: bool,
}

/// Where an allocation lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    memory_type: usize,
    block: usize,
    offset: u64,
}

impl Allocator {
    /// Nothing is allocated yet. `host_visible` says it of each memory type of the device, in its order.
    #[must_use]
    pub fn new(policy: Policy, host_visible: &[bool]) -> Self {
        let of = |host_visible: &bool| MemoryType { host_visible: *host_visible, blocks: vec![], shared: 0 };
        Self { policy, types: host_visible.iter().map(of).collect() }
    }

    /// Allocates what a buffer requires (its size and alignment as the driver has rounded them) in a memory type.
    ///
    /// # Panics
    /// Where the device has no such memory type.
    pub fn allocate(&mut self, memory_type: usize, size: u64, alignment: u64) -> Ticket {
        let of = &mut self.types[memory_type];
        let next = self.policy.next(of.host_visible, of.shared);
        let own = size > next;
        if !own {
            // The youngest first.
            for (i, block) in of.blocks.iter_mut().enumerate().rev() {
                if let Some(offset) = block.as_mut().and_then(|block| block.place(size, alignment)) {
                    return Ticket { memory_type, block: i, offset };
                }
            }
            of.shared += 1;
        }
        let bytes = if own { size } else { next };
        let mut block = Block { size: bytes, own, chunks: vec![Chunk { offset: 0, size: bytes, used: false }] };
        let offset = block.place(size, alignment).unwrap_or(0);
        block.own = own;
        let at = match of.blocks.iter().position(Option::is_none) {
            Some(at) => {
                of.blocks[at] = Some(block);
                at
            }
            None => {
                of.blocks.push(Some(block));
                of.blocks.len() - 1
            }
        };
        Ticket { memory_type, block: at, offset }
    }

    /// Frees what was allocated.
    pub fn free(&mut self, ticket: Ticket) {
        let of = &mut self.types[ticket.memory_type];
        let Some(block) = of.blocks[ticket.block].as_mut() else { return };
        block.release(ticket.offset);
        if block.is_empty() && (block.own || of.shared > 1) {
            of.shared -= usize::from(!block.own);
            of.blocks[ticket.block] = None;
        }
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.types.iter().flat_map(|of| of.blocks.iter().flatten())
    }

    /// Bytes in blocks: `total_reserved_bytes` of wgpu's report.
    #[must_use]
    pub fn reserved(&self) -> u64 {
        self.blocks().map(|block| block.size).sum()
    }

    /// Bytes in allocations, with what alignment costs: `total_allocated_bytes` of wgpu's report.
    #[must_use]
    pub fn allocated(&self) -> u64 {
        self.blocks().flat_map(|block| &block.chunks).filter(|chunk| chunk.used).map(|chunk| chunk.size).sum()
    }
}

impl Block {
    /// Takes a place in the smallest free chunk that is large enough. Its padding belongs to it.
    fn place(&mut self, size: u64, alignment: u64) -> Option<u64> {
        let padded = |chunk: &Chunk| chunk.offset.next_multiple_of(alignment.max(1)) - chunk.offset + size;
        let fits = |chunk: &Chunk| !chunk.used && padded(chunk) <= chunk.size;
        let at = (0..self.chunks.len()).filter(|i| fits(&self.chunks[*i])).min_by_key(|i| self.chunks[*i].size)?;
        let chunk = self.chunks[at];
        let taken = padded(&chunk);
        self.chunks[at] = Chunk { size: taken, used: true, ..chunk };
        if taken < chunk.size {
            self.chunks.insert(at + 1, Chunk { offset: chunk.offset + taken, size: chunk.size - taken, used: false });
        }
        Some(chunk.offset)
    }

    fn release(&mut self, offset: u64) {
        let Some(at) = self.chunks.iter().position(|chunk| chunk.offset == offset && chunk.used) else { return };
        self.chunks[at].used = false;
        for left in [at, at.wrapping_sub(1)] {
            // With its neighbour on the right, then on the left.
            if left < self.chunks.len().saturating_sub(1) && !self.chunks[left].used && !self.chunks[left + 1].used {
                self.chunks[left].size += self.chunks[left + 1].size;
                self.chunks.remove(left + 1);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.chunks.iter().all(|chunk| !chunk.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Allocator {
        Allocator::new(Policy::MEMORY_USAGE, &[true])
    }

    #[test]
    fn blocks_grow_and_large_buffers_have_their_own() {
        let mut allocator = host();
        let small = allocator.allocate(0, MIB, 64);
        assert_eq!((allocator.allocated(), allocator.reserved()), (MIB, 4 * MIB));
        // 3 MiB are left; 4 do not fit, and are not more than the next block of 8.
        allocator.allocate(0, 4 * MIB, 64);
        assert_eq!(allocator.reserved(), 12 * MIB);
        // More than the next block of 16: its own.
        let large = allocator.allocate(0, 16 * MIB + 4, 64);
        assert_eq!(allocator.reserved(), 28 * MIB + 4);
        // Into the block of 8, the youngest that has room.
        allocator.allocate(0, 100, 64);
        allocator.free(large);
        assert_eq!((allocator.allocated(), allocator.reserved()), (5 * MIB + 100, 12 * MIB));
        allocator.free(small);
        assert_eq!(allocator.reserved(), 8 * MIB, "the first block is empty, and not the last of its kind");
    }

    #[test]
    fn padding_belongs_to_the_allocation_and_neighbours_merge() {
        let mut allocator = host();
        let tickets: Vec<Ticket> = [10, 10, 10].map(|size| allocator.allocate(0, size, 64)).to_vec();
        assert_eq!(allocator.allocated(), 10 + 64 + 64, "74 - 10 and 138 - 74");
        allocator.free(tickets[1]);
        allocator.free(tickets[0]);
        assert_eq!(allocator.allocated(), 64);
        let again = allocator.allocate(0, 70, 64);
        assert_eq!(again.offset, 0, "the two freed chunks are one, and the best fit");
        for ticket in [again, tickets[2]] {
            allocator.free(ticket);
        }
        assert_eq!((allocator.allocated(), allocator.reserved()), (0, 4 * MIB), "the last shared block is kept");
    }

    #[test]
    fn manual_blocks_are_clamped_and_rounded() {
        let policy = Policy::manual(10 * MIB + 1, 1024 * MIB);
        assert_eq!(policy, Policy { device: [12 * MIB, 256 * MIB], host: [8 * MIB, 256 * MIB] });
        assert_eq!(Policy::manual(1, 1), Policy { device: [4 * MIB; 2], host: [4 * MIB; 2] });
        assert_eq!(Policy::manual(8 * MIB, 64 * MIB), Policy::MEMORY_USAGE);
    }

    #[test]
    fn memory_types_have_blocks_of_their_own() {
        let mut allocator = Allocator::new(Policy::PERFORMANCE, &[false, true]);
        allocator.allocate(0, 1, 4);
        allocator.allocate(1, 1, 4);
        assert_eq!(allocator.reserved(), 192 * MIB);
        allocator.allocate(0, 256 * MIB, 4);
        assert_eq!(allocator.reserved(), 448 * MIB, "not larger than the second block, 256 MiB");
    }
}
