"""What the converters of recorded data share: distances, stays in a track, and the files of a day.

Python's standard library only. Times are Unix seconds (float), places (lat, lon) in degrees.
"""

import argparse
import csv
import gzip
import json
import math
import pathlib
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


def arguments(description, data_folder):
    """A parser with the two folders that every converter takes."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--data",
        type=pathlib.Path,
        default=REPOSITORY.parent / "shared" / "data",
        help=f"folder of the data sets; {data_folder} is read",
    )
    parser.add_argument("out", type=pathlib.Path, help="folder to write into; made if missing")
    return parser


def read_csv(path):
    """The rows of a CSV file as dicts; unpacked where its name ends in .gz."""
    opened = gzip.open(path, "rt", newline="") if path.suffix == ".gz" else open(path, newline="")
    with opened as file:
        return list(csv.DictReader(file))


def write_csv(path, header, rows):
    """Writes a CSV file; packed, with the same bytes every time, where its name ends in .gz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join(header)] + [",".join(str(field) for field in row) for row in rows]
    data = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    print(f"{path}: {len(lines) - 1} rows")


def write_plan(path, plan):
    """Writes a plan."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plan, indent=1) + "\n")
    orders = sum(len(route["orders"]) for route in plan["routes"])
    print(f"{path}: {len(plan['routes'])} routes, {orders} orders")


def unix(text):
    """Unix seconds of an ISO 8601 time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def midnight(time, zone):
    """The midnight before an instant in a zone: (its date as text, Unix seconds)."""
    local = datetime.fromtimestamp(time, ZoneInfo(zone))
    start = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return start.date().isoformat(), start.astimezone(timezone.utc).timestamp()


def clock(seconds):
    """`[d.]HH:MM:SS` of seconds after midnight."""
    days, second = divmod(int(seconds), 86400)
    text = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"{days}.{text}" if days else text


def plane(centre, place):
    """East and north metres from a centre, by the radii of WGS 84 at its latitude."""
    phi = math.radians(centre[0])
    w2 = 1 - 0.00669437999014 * math.sin(phi) ** 2
    normal = 6378137.0 / math.sqrt(w2)
    meridian = normal * (1 - 0.00669437999014) / w2
    east = math.radians(place[1] - centre[1]) * normal * math.cos(phi)
    return east, math.radians(place[0] - centre[0]) * meridian


def distance(centre, place):
    """Metres between two near places."""
    return math.hypot(*plane(centre, place))


def crossing(centre, radius, inside, outside):
    """When the straight way between two fixes (time, lat, lon) cuts the circle."""
    (x0, y0), (x1, y1) = plane(centre, inside[1:]), plane(centre, outside[1:])
    dx, dy = x1 - x0, y1 - y0
    a, b, c = dx * dx + dy * dy, x0 * dx + y0 * dy, x0 * x0 + y0 * y0 - radius * radius
    share = (-b + math.sqrt(max(b * b - a * c, 0.0))) / a if a else 0.0
    return inside[0] + min(max(share, 0.0), 1.0) * (outside[0] - inside[0])


def stays(track, centre, radius, excursion_s=30):
    """The stays (start, end) of a track within a circle. Absences under excursion_s do not split
    one; its edges are cut from the segments that cross the circle."""
    found = []
    for index, fix in enumerate(track):
        if distance(centre, fix[1:]) > radius:
            continue
        start = end = fix[0]
        if index and distance(centre, track[index - 1][1:]) > radius:
            start = crossing(centre, radius, fix, track[index - 1])
        if index + 1 < len(track) and distance(centre, track[index + 1][1:]) > radius:
            end = crossing(centre, radius, fix, track[index + 1])
        is_same = found and (index == found[-1][2] + 1 or start - found[-1][1] < excursion_s)
        found[-1:] = [(found[-1][0], end, index)] if is_same else found[-1:] + [(start, end, index)]
    return [(start, end) for start, end, _ in found]


def first_stay(track, centre, radius, required_s):
    """The first stay of at least required_s, or None."""
    long_enough = (stay for stay in stays(track, centre, radius) if stay[1] - stay[0] >= required_s)
    return next(long_enough, None)


def add_order_choice(parser):
    """The choice of where the orders of bare tracks are."""
    parser.add_argument(
        "--orders",
        choices=["stops", "far"],
        default="stops",
        help="at the derived stops (R 50 m), or at least 300 m from every fix (R 100 m)",
    )


def write_tracks_day(args, zone, tracks, stops):
    """Writes a day in which each bare track is one courier with one route. tracks: name -> fixes
    (t, lat, lon); stops: name -> (arrive, depart, lat, lon). All tracks begin together at a
    midnight, since their own times are years apart; fixes of one time keep their order."""
    radius = 50 if args.orders == "stops" else 100
    date, epoch = midnight(unix("2026-05-04T12:00:00Z"), zone)
    routes, positions, truth = [], [], []
    for name, track in tracks.items():
        begin, end = track[0][0], track[-1][0]
        if args.orders == "far":
            places = [(None, None, *place) for place in far_places(track)]
        else:
            places = sorted(stops.get(name, []))
        orders = []
        for number, (arrive, depart, lat, lon) in enumerate(places):
            order = {"number": f"{name}-{number}", "lat": lat, "lon": lon}
            orders.append(order | {"service_duration_s": 2 * REQUIRED_S})
            if arrive is not None:
                truth.append((name, f"{name}-{number}", arrive - begin, depart - begin))
        if not orders:
            continue
        positions += [(name, t - begin, lat, lon) for t, lat, lon in track]
        route = {"number": name, "courier": name, "date": date, "route_start": clock(0)}
        route |= {"route_finish": clock(end - begin + 3600), "orders": orders}
        routes.append(route)
    positions.sort(key=lambda row: row[1])
    company = {"time_zone": zone, "mark_delivered_radius": radius, "arrival_scope": "any"}
    write_plan(args.out / "plan.json", {"epoch": epoch, "company": company, "routes": routes})
    write_csv(args.out / "positions.csv.gz", ("courier", "t_s", "lat", "lon"), positions)
    write_csv(args.out / "truth.csv", ("courier", "order_number", "started_s", "ended_s"), truth)


def far_places(track):
    """Up to eight places beside the way, 300 to 400 m or more from every fix: those that tempt."""
    places = []
    for eighth in range(1, 9):
        _, lat, lon = track[(len(track) - 1) * eighth // 8]
        metre_east, metre_north = plane((lat, lon), (lat + 1e-4, lon + 1e-4))
        for step in range(16):
            way_m, heading = 305 + 95 * (step % 2), step * math.tau / 16
            east, north = way_m * math.sin(heading), way_m * math.cos(heading)
            place = (
                round(lat + north / metre_north * 1e-4, 7),
                round(lon + east / metre_east * 1e-4, 7),
            )
            if all(distance(place, fix[1:]) >= 300 for fix in track):
                places.append(place)
                break
    return places


REQUIRED_S = 60
