"""Numbers for the unit tests of Kayenta's classifier (tests/promise/others.rs). Needs scipy: python tests/promise/peers.py"""
import numpy as np
from scipy.stats import mannwhitneyu, norm

x = np.array([0.8, 1.9, 3.1, 2.2, 4.4, 2.9, 3.3, 1.4])
y = np.array([0.5, 1.1, 1.9, 0.9, 1.6, 2.1, 0.7])


def z(shift, corrected=True):
    # Rounded, so that what is tied in decimal numbers is tied here too.
    greater = mannwhitneyu(np.round(x - shift, 9), y, alternative="greater", method="asymptotic", use_continuity=corrected)
    return norm.isf(greater.pvalue)


def root(quantile, low, high):
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if z(middle) > quantile else (low, middle)
    return (low + high) / 2


print("z(0)", z(0.0), "z(0.35)", z(0.35))
print("estimate", np.median(np.subtract.outer(x, y)), "lower", root(norm.isf(0.01), x.min() - y.max(), x.max() - y.min()))
