"""Makes cases.json: 200 random rollouts judged by the slow reference, for src/judge/oracle.rs to agree with to 1e-9 in ln e.

    python make_cases.py DIRECTORY_OF_THE_REFERENCE > cases.json       (needs numpy and scipy; run by hand, never in CI)

One rollout at a time, as the reference takes medians over rollouts; m_c and m_b, which it takes from the rollout itself, are given to
both. Where the page and the reference differ the page is followed, and the cases keep away from it: no step lacks an arm (the page
decays nothing there), steps are 15 s long (the page scales by time). Counts are flat, [bad, total] pod after pod, step after step;
of the candidate the arm's sum. The null of before and after is the reference's exact one (ours is read from a table): its points
from the zero of the grid up. Logarithms are natural, at every third step.

Beside a baseline the judge does seven things more than the page and the reference (docs/decisions/2026-11-29-what-an-outage-says.md,
2026-11-29-where-an-outage-begins.md and 2026-11-29-an-outage-of-one-side.md). They are written here a second time, in `judge`; without them it must say what the reference says, to 1e-12 in ln e, in every case: that is asserted
before anything is written.
"""
import copy
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


def wary(p):
    """A prior of tau that is worth 2.5 degrees of freedom, not 4, at the same sum of squares."""
    w = p * jf.TAUS**1.5
    return w / w.sum()


def judge(nc, kc, nb, kb, noise, tol, harm, floor, online, more):
    """jf.judge for one rollout; `more`: with what the judge does beyond it. ln e of harm and of safety at each step."""
    p, steps, pods = noise[1], *nb.shape[1:]
    sums = [a.sum(2).astype(float) for a in (nc, kc, nb, kb)]
    inverse, xh = 1 / effective(nc) + 1 / effective(nb), np.log(harm / tol)
    safety = wary(p) if more else p
    starts, x, one = jf.starts(steps), jf.X, np.ones_like(jf.X[None, :])
    ratio = jf.Cp(
        jf.null_up(jf.offsets_cdf(p, inverse, sign=-1)), jf.jump(xh / 2), starts,
        jf.acceptable(jf.offsets_cdf(safety, inverse)), jf.null_harm(safety, inverse, xh),
    )
    at_zero, below, at_harm = 0 * one, (x <= 0) * jf.DX * one, 0 * one
    at_zero[:, jf.ZERO] = 1
    at_harm[:, int(np.searchsorted(x, np.log(harm) + 1e-9) - 1)] = 1
    known = jf.Cp(at_zero, jf.jump(np.log(harm) / 2), starts, below / below.sum(), at_harm)
    multiples = tol * np.exp(x)
    mixtures = {"ratio": ratio, "known": known} if floor > 0 else {"ratio": ratio}
    zero = np.zeros(1)
    state = {
        "mixtures": mixtures, "apart": {name: one for name in mixtures}, "phi": noise[0].copy(), "rate": noise[2].copy() if len(noise) > 2 else None,
        "on": zero, "od": zero, "df": zero, "den": zero, "steps": 0, "beside": [0.0, 0.0], "harm": 1.0, "safe": 1.0,
    }

    def miss(state):
        """A step goes by unused: the weight of its start is carried on."""
        state = copy.deepcopy(state)
        for mixture in state["mixtures"].values():
            v = mixture.v.copy()
            if mixture.t + 1 < len(v):
                v[mixture.t + 1] += v[mixture.t]
            mixture.v, mixture.t = v, mixture.t + 1
        return state

    def take(state, t, stands_out=False):
        state = copy.deepcopy(state)
        n_c, k_c, n_b, k_b = [a[:, t] for a in sums]
        bad, total = k_c + k_b, n_c + n_b
        phi, rate, apart = state["phi"], state["rate"], state["apart"]
        state["beside"] = [state["beside"][0] + k_b[0], state["beside"][1] + n_b[0]]
        now = phi
        if pods > 1:
            share = nb[:, t] / np.maximum(n_b, 1)[:, None]
            e = share * k_b[:, None]
            scatter = np.where(k_b > 0, ((kb[:, t] - e) ** 2 / np.maximum(e, 1e-9)).sum(1), phi * (pods - 1))
            if online:
                state["steps"] += 1
                cap = np.minimum(1, 3 * np.maximum((state["den"] + k_b) / state["steps"], 1e-9) / np.maximum(k_b, 1e-9))
                state["den"] = state["den"] + cap * k_b
                state["on"], state["od"] = state["on"] + cap * ((kb[:, t] - e) ** 2).sum(1), state["od"] + cap * (e * (1 - share)).sum(1)
                state["df"] = state["df"] + (k_b > 0) * (pods - 1)
                phi = np.maximum(1, (state["on"] / np.maximum(state["od"], 1e-9) * state["df"] + jf.PHI_NONE * jf.PHI_N) / (state["df"] + jf.PHI_N))
                now = phi
            now = np.maximum(now, (jf.NU_X * phi + scatter) / (jf.NU_X + pods - 1))
        outage = False
        if rate is not None and not more:
            now = np.maximum(now, 1 + (phi - 1) * bad / (jf.KAPPA * np.maximum(rate * total, 0.5)))
            rate = 0.9 * rate + 0.1 * bad / np.maximum(total, 1)
        elif rate is not None:
            # An outage is more than three times what is usual, and multiplies clusters too, at most tenfold.
            beyond = bad / (3 * np.maximum(rate * total, 0.5))
            outage = bool(beyond[0] > 1)
            alone = stands_out and rate[0] * n_c[0] >= phi[0]
            clusters = k_b / (3 * np.maximum(rate * n_b, 0.5)) if alone else beyond
            now = np.maximum(now, phi * np.clip(clusters, 1, 10))
            rate = 0.9 * rate + 0.1 * np.minimum(bad / np.maximum(total, 1), 3 * rate)
        th = multiples
        if more:
            # No step is exacter than a tenth; and no arm has more bad events than events.
            now = np.maximum(now, 0.01 * bad * (n_c / total) * (1 - n_c / total))
            most = n_b[0] / (bad[0] - n_c[0]) if bad[0] > n_c[0] else np.inf
            least = (bad[0] - n_b[0]) / n_c[0] if bad[0] > n_b[0] else 0.0
            th = np.minimum(np.maximum(th, least), most)
        r = n_c / n_b
        step = {"ratio": (k_c[:, None] * np.log(th) - bad[:, None] * np.log1p(th * r[:, None])) / now[:, None]}
        if floor > 0:
            step["known"] = (k_c[:, None] * x - n_c[:, None] * floor * np.exp(x)) / now[:, None]
        harm_now, safe_now = [], []
        for name, likelihood in step.items():
            mixture = state["mixtures"][name]
            harm_now.append(mixture.step(likelihood))
            if more and not outage:
                apart[name] = apart[name] * np.exp(likelihood - likelihood.max())
                apart[name] = apart[name] / apart[name].max()
            B = np.maximum(apart[name], jf.TINY) if more else mixture.B
            safe_now.append(np.minimum((mixture.ws * B).sum(1) / np.maximum((mixture.wh * B).sum(1), jf.TINY), 1e15))
        state.update(phi=phi, rate=rate, harm=float(min(e[0] for e in harm_now)), safe=float(np.mean(safe_now)))
        return state

    def usual(state, t):
        """The usual share of bad events: without a history that of the baseline so far, or in this step where it is less."""
        if state["rate"] is not None:
            return state["rate"][0]
        return min((bad + 0.5) / max(total, 1) for bad, total in (state["beside"], (sums[3][0, t], sums[2][0, t])))

    def surely_more(state, t, of):
        """The baseline's share of bad events in step `of` where it is surely more than is usual in step `t`; else 0."""
        if of < 0:
            return 0.0
        n, k = sums[2][0, of], sums[3][0, of]
        e = max(usual(state, t) * n, 0.5)
        return k / n if k >= e + 3 * np.sqrt(state["phi"][0] * e) else 0.0

    def sides(state, t):
        """The shares of bad events that stand out: of the candidate above five times what is usual, of the baseline surely above it; else 0."""
        n, k = sums[0][0, t], sums[1][0, t]
        return (k / n if k > 5 * max(usual(state, t) * n, 0.5) else 0.0), surely_more(state, t, t)

    harms, safes = [], []
    waiting = None  # what stood out alone, with the state before it
    for t in range(steps):
        if not more:
            state = take(state, t)
        else:
            if waiting and sides(state, t)[1] >= 0.1 * waiting[0]:
                state = miss(waiting[1])
            waiting = None
            candidate, baseline = sides(state, t)
            alone = candidate > 0 and baseline < 0.1 * candidate
            if alone and surely_more(state, t, t - 1) >= 0.1 * candidate:
                state = miss(state)
            else:
                before, state = state, take(state, t, stands_out=alone)
                waiting = (candidate, before) if alone else None
        harms.append(waiting[1]["harm"] if waiting else state["harm"])
        safes.append(state["safe"])
    return harms, safes


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
    reference = jf.judge(nc, kc, nb, kb, z, tol=tol, harm=harm, floor=floor, online=online, trace=True)[2][0]
    same, _ = judge(nc, kc, nb, kb, z, tol, harm, floor, online, more=False)
    assert np.allclose(np.log(same), np.log(reference), rtol=0, atol=1e-12), f"case {index}: not the reference"
    harms, safes = judge(nc, kc, nb, kb, z, tol, harm, floor, online, more=True)
    return {
        "tolerated": tol, "harmful": harm, "floor": floor, "pods": int(nb.shape[2]), "history": None if online else pods(hn, hk),
        "phi": float(z[0][0]), "m": [effective(nc), effective(nb)],
        "candidate": arm(nc, kc), "baseline": pods(nb, kb), "ln_harm": ln(harms), "ln_safe": ln(safes),
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
