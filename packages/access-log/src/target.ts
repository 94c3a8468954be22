/** Request targets and what they ask for. */

/** Static files that a page pulls in by itself. Documents (pdf, txt, xml) are what people come for: not assets. */
const ASSET_EXTENSIONS: ReadonlySet<string> = new Set([
  'avif',
  'bmp',
  'css',
  'cur',
  'eot',
  'gif',
  'ico',
  'jpeg',
  'jpg',
  'js',
  'map',
  'mjs',
  'mp3',
  'mp4',
  'ogg',
  'otf',
  'png',
  'svg',
  'ttf',
  'wasm',
  'wav',
  'webm',
  'webmanifest',
  'webp',
  'woff',
  'woff2',
])

/**
 * The path of a request target: cut at the first `?` or `#`, not decoded. The absolute form (RFC 9112, 3.2.2) loses
 * its scheme and host.
 */
export function splitTarget(target: string): string {
  const path = isAbsoluteForm(target) ? withoutAuthority(target) : target
  for (let at = 0; at < path.length; at += 1) {
    const code = path.charCodeAt(at)
    if (code === 0x3f || code === 0x23) return path.slice(0, at)
  }
  return path
}

function isAbsoluteForm(target: string): boolean {
  if (target.startsWith('/')) return false
  const scheme = target.slice(0, 8).toLowerCase()
  return scheme.startsWith('http://') || scheme === 'https://'
}

function withoutAuthority(target: string): string {
  for (let at = target.indexOf('//') + 2; at < target.length; at += 1) {
    const code = target.charCodeAt(at)
    if (code === 0x2f) return target.slice(at)
    if (code === 0x3f || code === 0x23) return `/${target.slice(at)}`
  }
  return '/'
}

/** Whether a path names a static file, by the extension of its last segment. */
export function isAsset(path: string): boolean {
  const dot = path.lastIndexOf('.')
  return dot >= 0 && ASSET_EXTENSIONS.has(path.slice(dot + 1, dot + 16).toLowerCase())
}
