/** The part of ua-parser-js 1.0.x that is used; the 1.x line carries no types of its own. */
declare module 'ua-parser-js' {
  interface Named {
    readonly name: string | undefined
  }

  class UAParser {
    constructor(userAgent: string)
    getBrowser(): Named
    getOS(): Named
    getDevice(): { readonly type: string | undefined }
  }

  export = UAParser
}
