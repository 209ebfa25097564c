// European cities with coordinates (degrees, WGS 84, to two decimals): where the nodes of a generated topology stand.

export interface City {
  readonly name: string;
  readonly latitude: number;
  readonly longitude: number;
}

const city = (name: string, latitude: number, longitude: number): City => ({ name, latitude, longitude });

export const EUROPEAN_CITIES: readonly City[] = [
  city('amsterdam', 52.37, 4.9),
  city('antwerp', 51.22, 4.4),
  city('athens', 37.98, 23.73),
  city('barcelona', 41.39, 2.17),
  city('basel', 47.56, 7.59),
  city('belgrade', 44.79, 20.45),
  city('bergen', 60.39, 5.32),
  city('berlin', 52.52, 13.41),
  city('bilbao', 43.26, -2.93),
  city('bologna', 44.49, 11.34),
  city('bordeaux', 44.84, -0.58),
  city('bratislava', 48.15, 17.11),
  city('brussels', 50.85, 4.35),
  city('bucharest', 44.43, 26.1),
  city('budapest', 47.5, 19.04),
  city('chisinau', 47.01, 28.86),
  city('cluj', 46.77, 23.6),
  city('copenhagen', 55.68, 12.57),
  city('dublin', 53.35, -6.26),
  city('dusseldorf', 51.23, 6.78),
  city('edinburgh', 55.95, -3.19),
  city('frankfurt', 50.11, 8.68),
  city('gdansk', 54.35, 18.65),
  city('geneva', 46.2, 6.14),
  city('gothenburg', 57.71, 11.97),
  city('graz', 47.07, 15.44),
  city('hamburg', 53.55, 9.99),
  city('helsinki', 60.17, 24.94),
  city('istanbul', 41.01, 28.98),
  city('izmir', 38.42, 27.14),
  city('kosice', 48.72, 21.26),
  city('krakow', 50.06, 19.94),
  city('lille', 50.63, 3.06),
  city('lisbon', 38.72, -9.14),
  city('ljubljana', 46.06, 14.51),
  city('london', 51.51, -0.13),
  city('luxembourg', 49.61, 6.13),
  city('lviv', 49.84, 24.03),
  city('lyon', 45.76, 4.84),
  city('madrid', 40.42, -3.7),
  city('malaga', 36.72, -4.42),
  city('manchester', 53.48, -2.24),
  city('marseille', 43.3, 5.37),
  city('milan', 45.46, 9.19),
  city('minsk', 53.9, 27.57),
  city('munich', 48.14, 11.58),
  city('naples', 40.85, 14.27),
  city('nicosia', 35.19, 33.38),
  city('oslo', 59.91, 10.75),
  city('palermo', 38.12, 13.36),
  city('paris', 48.86, 2.35),
  city('porto', 41.15, -8.63),
  city('prague', 50.08, 14.44),
  city('reykjavik', 64.15, -21.94),
  city('riga', 56.95, 24.11),
  city('rome', 41.9, 12.5),
  city('sarajevo', 43.86, 18.41),
  city('seville', 37.39, -5.99),
  city('skopje', 42.0, 21.43),
  city('sofia', 42.7, 23.32),
  city('split', 43.51, 16.44),
  city('stockholm', 59.33, 18.07),
  city('strasbourg', 48.57, 7.75),
  city('stuttgart', 48.78, 9.18),
  city('tallinn', 59.44, 24.75),
  city('thessaloniki', 40.64, 22.94),
  city('timisoara', 45.75, 21.23),
  city('tirana', 41.33, 19.82),
  city('toulouse', 43.6, 1.44),
  city('turin', 45.07, 7.69),
  city('valencia', 39.47, -0.38),
  city('valletta', 35.9, 14.51),
  city('varna', 43.2, 27.91),
  city('vienna', 48.21, 16.37),
  city('vilnius', 54.69, 25.28),
  city('warsaw', 52.23, 21.01),
  city('wroclaw', 51.11, 17.04),
  city('zagreb', 45.81, 15.98),
  city('zaragoza', 41.65, -0.89),
  city('zurich', 47.37, 8.54),
];

/** Great-circle distance in kilometres (haversine on a sphere of 6,371 km). */
export function distanceKm(a: City, b: City): number {
  const radians = Math.PI / 180;
  const dLatitude = (b.latitude - a.latitude) * radians;
  const dLongitude = (b.longitude - a.longitude) * radians;
  const h =
    Math.sin(dLatitude / 2) ** 2 +
    Math.cos(a.latitude * radians) * Math.cos(b.latitude * radians) * Math.sin(dLongitude / 2) ** 2;
  return 2 * 6_371 * Math.asin(Math.sqrt(h));
}
