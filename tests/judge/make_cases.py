"""Makes cases.json: 200 random rollouts judged by the slow reference, for src/judge/oracle.rs to agree with to 1e-9 in ln e.

    python make_cases.py DIRECTORY_OF_THE_REFERENCE > cases.json       (needs numpy and scipy; run by hand, never in CI)

One rollout at a time, as the reference takes medians over rollouts; m_c and m_b, which it takes from the rollout itself, are given to
both. Where the page and the reference differ the page is followed, and the cases keep away from it: no step lacks an arm (the page
decays nothing there), steps are 15 s long (the page scales by time). Counts are flat, [bad, total] pod after pod, step after step;
of the candidate the arm's sum. The null of before and after is the reference's exact one (ours is read from a table): its points
from the zero of the grid up. Logarithms are natural, at every third step.
"""
import json
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import numpy as np  # noqa: E402
import before_after as ba  # noqa: E402
import judge_final as jf  # noqa: E402
import judge_sim  # noqa: E402

judge_sim.rng = np.random.default_rng(41)
jf.rg = np.random.default_rng(42)
ba.rg2 = np.random.default_rng(43)
EVERY = 3


def ln(values):
    return [float(f"{np.log(max(v, 1e-300)):.13g}") for v in values[EVERY - 1 :: EVERY]]


def pods(n, k):
    return np.stack([k[0], n[0]], axis=-1).astype(int).ravel().tolist()


def arm(n, k):
    return np.stack([k[0].sum(1), n[0].sum(1)], axis=-1).astype(int).ravel().tolist()


def effective(n):
    return float(n.sum() ** 2 / max((n.sum(1).astype(float) ** 2).sum(), 1))


def beside(index, steps, floors=(0.0, 0.001, 0.004)):
    noise = [jf.CALM, jf.REAL, jf.NASTY][index % 3]
    theta = [1.0, 1.5, 3.0, 10.0, 0.5, 1.0, 100.0][index % 7]
    tol, harm = [(1.0, 2.0), (1.25, 2.0), (1.5, 4.0)][(index // 2) % 3]
    floor = floors[(index // 2) % len(floors)]
    online = index % 5 == 4
    kw = {**noise, "lam": [60.0, 15.0, 2.0, 0.3][(index // 3) % 4], "p0": [0.005, 0.05][index % 2], "share": 0.3, "mc": 1 + index % 2, "mb": 1 + index % 4 % 3}
    nc, kc, nb, kb = judge_sim.gen(1, T=steps, theta=theta, **kw)
    hn, hk = judge_sim.gen(1, T=20, **kw)[2:]
    hn, nc, nb = np.maximum(hn, 1), np.maximum(nc, 1), np.maximum(nb, 1)
    z = jf.no_history(1) if online else jf.learn(hn, hk)
    safes, real_safe = [], jf.Cp.safe
    jf.Cp.safe = lambda self: (safes.append(float(real_safe(self)[0])), real_safe(self))[1]
    _, _, evidence = jf.judge(nc, kc, nb, kb, z, tol=tol, harm=harm, floor=floor, online=online, trace=True)
    jf.Cp.safe = real_safe
    safe = [sum(safes[2 * t : 2 * t + 2]) / 2 for t in range(steps)] if floor > 0 else safes
    return {
        "tolerated": tol, "harmful": harm, "floor": floor, "pods": int(nb.shape[2]), "history": None if online else pods(hn, hk),
        "phi": float(z[0][0]), "m": [effective(nc), effective(nb)],
        "candidate": arm(nc, kc), "baseline": pods(nb, kb), "ln_harm": ln(evidence[0]), "ln_safe": ln(safe),
    }


def alone(index, steps, of=None):
    kind = ["flat", "real", "nasty"][index % 3]
    theta = [1.0, 3.0, 10.0, 0.3][index % 4]
    tol, harm = (of["tolerated"], of["harmful"]) if of else [(1.0, 2.0), (1.25, 2.0)][index % 2]
    starts = not of and index % 3 == 1
    hn, hk, n, k = ba.world(1, kind, hours=1, watch=steps, theta=theta, lam=[20.0, 2.0][index % 2])
    minutes = [240, 40, 4][index % 3]
    bad, total = hk[:, -minutes:].sum(1), hn[:, -minutes:].sum(1)
    if index % 5 == 0:
        bad = np.zeros_like(bad)
    phi, rms = [1.0, 3.0, 4.7][index % 3], [0.2, 0.3, 0.45][(index // 2) % 3]
    w0 = ba.null_gamma(bad, np.full(1, 1.5), np.full(1, rms))
    mixture = jf.Cp(w0, jf.jump(np.log(harm / tol) / 2), jf.starts(steps) if starts else np.r_[1.0, np.zeros(steps - 1)])
    rate, multiples, evidence = (bad + 0.5) / np.maximum(total, 1), np.exp(jf.X), []
    for t in range(steps):
        evidence.append(float(mixture.step((k[:, t, None] * jf.X - multiples * (tol * n[:, t] * rate)[:, None]) / phi)[0]))
    return {
        "tolerated": tol, "harmful": harm, "starts": starts, "bad": int(bad[0]), "total": int(total[0]), "phi": phi, "rms": rms,
        "null": [float(f"{v:.13g}") for v in w0[0, jf.ZERO :]], "candidate": np.stack([k[0], n[0]], axis=-1).ravel().tolist(), "ln_harm": ln(evidence),
    }


def auto(index):
    """beside for 9 steps, then, from its first one on, before and after for 9: the product (section 8)"""
    first = beside(index, 9, floors=(0.0,))
    first["ln_safe"] = []
    return {"first": first, "then": alone(index + 1, 9, of=first)}


def temporal():
    n, k, _, _ = ba.world(1, "nasty", hours=2, watch=1, lam=20.0)
    return {"counts": np.stack([k[0], n[0]], axis=-1).ravel().tolist(), "phi": float(ba.phi_temporal(n, k)[0]), "rms": float(ba.rms_of(n, k)[0])}


cases = {
    "beside": [beside(i, 12) for i in range(110)], "alone": [alone(i, 18) for i in range(50)], "auto": [auto(i) for i in range(40)],
    "temporal": temporal(),
}
print(json.dumps(cases, separators=(",", ":")))
