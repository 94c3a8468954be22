import t from 'tap'
import { counted } from './counted.js'

t.test('a number stands with its word', async (t) => {
  t.equal(counted(1, 'route'), '1 route')
  t.equal(counted(0, 'route'), '0 routes')
  t.equal(counted(2_000, 'word waits', 'words wait'), '2,000 words wait')
})
