// CloudFront runs this function before every request, including WebSockets. It only admits NETWORKS,
// [address, mask] pairs of 32-bit numbers. IPv6 is disabled in the distribution. If the page has a
// custom DOMAIN, other host names are redirected to it: a log-in only works under one name.
function handler(event) {
  const ip = event.viewer.ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const known = NETWORKS.some(([address, mask]) => ((ip & mask) >>> 0) === address);
  if (!known) return { statusCode: 403, statusDescription: "Forbidden" };
  if (!DOMAIN || event.request.headers.host.value === DOMAIN) return event.request;
  return {
    statusCode: 308,
    statusDescription: "Permanent Redirect",
    headers: { location: { value: `https://${DOMAIN}${event.request.uri}` } },
  };
}
