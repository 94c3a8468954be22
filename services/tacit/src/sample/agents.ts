/** User agents as browsers send them in 2026: reduced where the vendor reduces them. */
export interface SampleAgent {
  readonly userAgent: string
  /** what the app states as `device_model` */
  readonly model: string
  readonly form: 'desktop' | 'mobile' | 'tablet'
  readonly weight: number
}

const WINDOWS = 'Windows NT 10.0; Win64; x64'
const MAC = 'Macintosh; Intel Mac OS X 10_15_7'
const LINUX = 'X11; Linux x86_64'
const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)'

const chrome = (system: string, major: number, rest = '') =>
  `Mozilla/5.0 (${system}) ${WEBKIT} Chrome/${major}.0.0.0 Safari/537.36${rest}`
const android = (major: number, rest = '') =>
  `Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} Chrome/${major}.0.0.0 Mobile Safari/537.36${rest}`
const firefox = (system: string, major: number) =>
  `Mozilla/5.0 (${system}; rv:${major}.0) Gecko/20100101 Firefox/${major}.0`
const safari = (version: string) =>
  `Mozilla/5.0 (${MAC}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/${version} Safari/605.1.15`
const ios = (device: string, system: string, rest: string) =>
  `Mozilla/5.0 (${device}; CPU ${device === 'iPad' ? 'OS' : 'iPhone OS'} ${system} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) ${rest} Mobile/15E148 Safari/604.1`

const desktop = (userAgent: string, model: string, weight: number): SampleAgent => ({
  userAgent,
  model,
  form: 'desktop',
  weight,
})
const mobile = (userAgent: string, model: string, weight: number): SampleAgent => ({
  userAgent,
  model,
  form: 'mobile',
  weight,
})
const tablet = (userAgent: string, model: string, weight: number): SampleAgent => ({
  userAgent,
  model,
  form: 'tablet',
  weight,
})

export const SAMPLE_AGENTS: readonly SampleAgent[] = [
  desktop(chrome(WINDOWS, 142), 'Windows PC', 26),
  desktop(chrome(WINDOWS, 141), 'Windows PC', 14),
  desktop(chrome(WINDOWS, 140), 'Windows PC', 5),
  desktop(chrome(WINDOWS, 138), 'Windows PC', 3),
  desktop(chrome(WINDOWS, 126), 'Windows PC', 1),
  desktop(chrome(WINDOWS, 109), 'Windows PC', 1.5),
  desktop(chrome(WINDOWS, 142, ' Edg/142.0.0.0'), 'Windows PC', 11),
  desktop(chrome(WINDOWS, 141, ' Edg/141.0.0.0'), 'Windows PC', 6),
  desktop(chrome(WINDOWS, 139, ' Edg/139.0.0.0'), 'Windows PC', 2),
  desktop(chrome(WINDOWS, 141, ' OPR/125.0.0.0'), 'Windows PC', 1),
  desktop(firefox(WINDOWS, 144), 'Windows PC', 4),
  desktop(firefox(WINDOWS, 143), 'Windows PC', 2),
  desktop(firefox(WINDOWS, 128), 'Windows PC', 1),
  desktop(firefox(LINUX, 144), 'Linux PC', 2),
  desktop(chrome(LINUX, 142), 'Linux PC', 3),
  desktop(chrome(LINUX, 140), 'Linux PC', 1),
  desktop(chrome(MAC, 142), 'Mac', 5),
  desktop(chrome(MAC, 141), 'Mac', 2),
  desktop(firefox('Macintosh; Intel Mac OS X 10.15', 144), 'Mac', 1),
  desktop(safari('26.0'), 'Mac', 3),
  desktop(safari('18.6'), 'Mac', 2),
  desktop(safari('17.6'), 'Mac', 1),
  mobile(android(142), 'SM-A546E', 16),
  mobile(android(141), 'Redmi Note 12', 12),
  mobile(android(140), 'CPH2591', 6),
  mobile(android(138), 'V2217', 4),
  mobile(android(127), 'moto g54', 2),
  mobile(android(119), 'RMX3771', 2),
  mobile(android(136).replace('Chrome/', 'SamsungBrowser/28.0 Chrome/'), 'SM-S921B', 5),
  mobile(android(130).replace('Chrome/', 'SamsungBrowser/27.0 Chrome/'), 'SM-M346B', 3),
  mobile(android(142, ' EdgA/142.0.0.0'), 'Pixel 8', 1),
  mobile('Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0', 'Pixel 9', 2),
  mobile('Mozilla/5.0 (Android 13; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0', 'Pixel 7a', 1),
  mobile(ios('iPhone', '18_6', 'Version/26.0'), 'iPhone', 6),
  mobile(ios('iPhone', '18_5', 'Version/18.5'), 'iPhone', 4),
  mobile(ios('iPhone', '17_6', 'Version/17.6'), 'iPhone', 2),
  mobile(ios('iPhone', '18_6', 'CriOS/142.0.7444.46'), 'iPhone', 2),
  tablet(ios('iPad', '18_6', 'Version/18.6'), 'iPad', 2),
  tablet(ios('iPad', '17_7', 'Version/17.7'), 'iPad', 1),
  tablet(`Mozilla/5.0 (Linux; Android 14; SM-X510) ${WEBKIT} Chrome/141.0.0.0 Safari/537.36`, 'SM-X510', 2),
]
