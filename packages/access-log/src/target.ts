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
 * A request target up to the first `?` or `#`, otherwise as written: not decoded, and the absolute form
 * (`http://host/path`, which proxies and probes ask for) keeps its host, because another host's page is another page.
 */
export function splitTarget(target: string): string {
  for (let at = 0; at < target.length; at += 1) {
    const code = target.charCodeAt(at)
    if (code === 0x3f || code === 0x23) return target.slice(0, at)
  }
  return target
}

/** Whether a path names a static file, by the extension of its last segment. */
export function isAsset(path: string): boolean {
  const dot = path.lastIndexOf('.')
  return dot >= 0 && ASSET_EXTENSIONS.has(path.slice(dot + 1, dot + 16).toLowerCase())
}
