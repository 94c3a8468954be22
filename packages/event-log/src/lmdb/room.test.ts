import t from 'tap'
import { type FilePort, systemFiles } from './files.js'
import { Room, transactionBytes } from './room.js'

const MIB = 1024 * 1024

interface Disk extends FilePort {
  free: number
  asked: number
  extended: number[]
}

function disk(free: number): Disk {
  const self: Disk = {
    ...systemFiles,
    free,
    asked: 0,
    extended: [],
    async freeBytes() {
      self.asked++
      return self.free
    },
    async extend(_path, size) {
      self.extended.push(size)
      return size
    },
  }
  return self
}

function roomOf(files: FilePort, allocated: number, reserveBytes: number, maxBytes = 1024 * MIB): Room {
  return new Room({ dir: 'd', files, reserveBytes, maxBytes }, 'f', allocated)
}

function pages(highWater: number, free = 0) {
  return { highWater: () => highWater, free: () => free }
}

t.test('blocks are written before a transaction that could need them is admitted', async (t) => {
  const files = disk(1000 * MIB)
  const room = roomOf(files, MIB, 32 * MIB)
  await room.admit(MIB, false, pages(MIB))
  t.equal(files.extended.length, 1)
  t.ok((files.extended[0] ?? 0) >= 2 * MIB)
  await room.admit(MIB, false, pages(MIB))
  t.equal(files.extended.length, 1, 'a step ahead, so that not every transaction writes blocks')
})

t.test('the free room is asked for once, however many transactions follow at once', async (t) => {
  const files = disk(1000 * MIB)
  const room = roomOf(files, 100 * MIB, 32 * MIB)
  for (let at = 0; at < 50; at++) await room.admit(MIB, false, pages(MIB))
  t.equal(files.asked, 1)
})

t.test(
  'below the reserve an append is refused, while cursors and expiry go on in the blocks kept for them',
  async (t) => {
    const files = disk(31 * MIB)
    const room = roomOf(files, 10 * MIB, 32 * MIB)
    await t.rejects(room.admit(MIB, false, pages(MIB)), { code: 'ERR_LOG_FULL' })
    await room.admit(MIB, true, pages(MIB))
    t.same(files.extended, [], 'and the file does not grow')
  },
)

t.test('below the reserve appends go on inside pages that expiry has freed', async (t) => {
  const room = roomOf(disk(31 * MIB), 100 * MIB, 32 * MIB)
  await room.admit(MIB, false, pages(96 * MIB, 40 * MIB))
  await t.rejects(room.admit(MIB, false, pages(96 * MIB, 3 * MIB)), { code: 'ERR_LOG_FULL' })
})

t.test('beyond its own bound the file does not grow, and expiry makes room in it', async (t) => {
  const files = disk(1000 * MIB)
  const room = roomOf(files, 10 * MIB, 0, 10 * MIB)
  await t.rejects(room.admit(MIB, false, pages(7 * MIB)), { code: 'ERR_LOG_FULL' })
  await room.admit(MIB, false, pages(7 * MIB, 5 * MIB))
  t.same(files.extended, [])
})

t.test('a disk that fills while blocks are written refuses, and its reserve is never touched', async (t) => {
  const files = disk(33 * MIB)
  const room = roomOf(files, MIB, 32 * MIB)
  await t.rejects(room.admit(MIB, false, pages(MIB)), { code: 'ERR_LOG_FULL' })
  t.same(files.extended, [], 'growing would have gone into the reserve')
  const short = disk(1000 * MIB)
  short.extend = async () => MIB + 4096
  await t.rejects(roomOf(short, MIB, 0).admit(MIB, false, pages(MIB)), { code: 'ERR_LOG_FULL' })
})

t.test('a hook that reports a full disk refuses as full, any other failure as it is', async (t) => {
  const files = disk(1000 * MIB)
  const room = roomOf(files, 100 * MIB, 0)
  files.beforeWrite = () => Promise.reject(Object.assign(new Error('no room'), { code: 'ENOSPC' }))
  await t.rejects(room.admit(MIB, false, pages(0)), { code: 'ERR_LOG_FULL' })
  files.beforeWrite = () => Promise.reject(Object.assign(new Error('broken'), { code: 'EIO' }))
  await t.rejects(room.admit(MIB, false, pages(0)), { code: 'EIO' })
})

t.test('the most that a transaction may write covers every page of its records', async (t) => {
  const fixed = transactionBytes([], 0, 4096)
  t.ok(transactionBytes([5000], 0, 4096) - fixed >= 2 * 4096)
  t.ok(transactionBytes([], 8, 4096) > fixed)
})
