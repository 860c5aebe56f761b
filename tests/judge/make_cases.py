"""Makes cases.json: random rollouts judged by the slow reference, for the tests of src/judge to agree with.

    python make_cases.py DIRECTORY_OF_THE_REFERENCE > cases.json       (needs numpy and scipy)

One rollout at a time, as the reference takes medians over rollouts. Where the page wins over the reference the cases keep away:
pods of an arm are what the rollout itself had (the page fixes them before it), and no step lacks an arm (the page decays nothing
there). Natural logarithms of e.
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


def ln(values):
    return [float(np.log(max(v, 1e-300))) for v in values]


def pods(n, k):
    """[step][pod] = [bad, total] of rollout 0"""
    return [[[int(k[0, t, i]), int(n[0, t, i])] for i in range(n.shape[2])] for t in range(n.shape[1])]


def effective(n):
    return float(n.sum() ** 2 / max((n.sum(1).astype(float) ** 2).sum(), 1))


def concurrent(index):
    noise = [jf.CALM, jf.REAL, jf.NASTY][index % 3]
    few = jf.FEW if index % 4 == 3 else {}
    theta = [1.0, 1.5, 3.0, 10.0, 0.5, 1.0][index % 6]
    tol, harm = [(1.0, 2.0), (1.25, 2.0), (1.5, 4.0)][index % 3]
    floor = [0.0, 0.001, 0.004][(index // 2) % 3]
    online = index % 5 == 4
    steps, history = 24, 40
    kw = {**noise, **few, "lam": [200.0, 20.0, 2.0][(index // 3) % 3]}
    nc, kc, nb, kb = judge_sim.gen(1, T=steps, theta=theta, **kw)
    hn, hk = judge_sim.gen(1, T=history, **kw)[2:]
    hn = np.maximum(hn, 1)
    nc, nb = np.maximum(nc, 1), np.maximum(nb, 1)
    z = jf.no_history(1) if online else jf.learn(hn, hk)
    safes, real_safe = [], jf.Cp.safe
    jf.Cp.safe = lambda self: (safes.append(float(real_safe(self)[0])), real_safe(self))[1]
    _, _, evidence = jf.judge(nc, kc, nb, kb, z, tol=tol, harm=harm, floor=floor, online=online, trace=True)
    jf.Cp.safe = real_safe
    safe = [sum(safes[2 * t : 2 * t + 2]) / 2 for t in range(steps)] if floor > 0 else safes
    return {
        "tolerated": tol, "harmful": harm, "floor": floor, "history": None if online else pods(hn, hk),
        "phi": float(z[0][0]), "posterior": z[1][0].tolist(), "rate": None if online else float(z[2][0]),
        "candidate_pods": effective(nc), "baseline_pods": effective(nb),
        "candidate": pods(nc, kc), "baseline": pods(nb, kb), "ln_harm": ln(evidence[0]), "ln_safe": ln(safe),
    }


def one_arm(index):
    kind = ["flat", "real", "nasty"][index % 3]
    theta = [1.0, 3.0, 10.0, 0.3][index % 4]
    tol, harm = [(1.0, 2.0), (1.25, 2.0)][index % 2]
    starts = index % 3 == 1
    hn, hk, n, k = ba.world(1, kind, hours=1, watch=30, theta=theta, lam=[50.0, 5.0][index % 2])
    minutes = [240, 40, 4][index % 3]
    hn, hk = hn[:, -minutes:], hk[:, -minutes:]
    bad, total = hk.sum(1), hn.sum(1)
    if index % 5 == 0:
        bad = np.zeros_like(bad)
    phi, rms = [1.0, 3.0, 4.7][index % 3], [0.2, 0.3, 0.45][(index // 2) % 3]
    w0 = ba.null_gamma(bad, np.full(1, 1.5), np.full(1, rms))
    steps = n.shape[1]
    mixture = jf.Cp(w0, jf.jump(np.log(harm / tol) / 2), jf.starts(steps) if starts else np.r_[1.0, np.zeros(steps - 1)])
    rate, multiples, evidence = (bad + 0.5) / np.maximum(total, 1), np.exp(jf.X), []
    for t in range(steps):
        evidence.append(float(mixture.step((k[:, t, None] * jf.X - multiples * (tol * n[:, t] * rate)[:, None]) / phi)[0]))
    return {
        "tolerated": tol, "harmful": harm, "starts": starts, "bad": int(bad[0]), "total": int(total[0]), "phi": phi,
        "pod_phi": 1.5, "rms": rms, "null": w0[0].tolist(), "candidate": [[int(k[0, t]), int(n[0, t])] for t in range(steps)],
        "ln_harm": ln(evidence),
    }


def temporal(index):
    n, k, _, _ = ba.world(1, "nasty", hours=4, watch=1, lam=[20.0, 50.0][index])
    return {
        "counts": [[int(k[0, t]), int(n[0, t])] for t in range(n.shape[1])],
        "phi": float(ba.phi_temporal(n, k)[0]), "rms": float(ba.rms_of(n, k)[0]),
    }


cases = {"concurrent": [concurrent(i) for i in range(24)], "one_arm": [one_arm(i) for i in range(16)], "temporal": [temporal(i) for i in range(2)]}
print(json.dumps(cases, separators=(",", ":")))
