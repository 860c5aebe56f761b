package kubelet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/distribution/reference"
)

// image is one that a container names. What would be in it is a file of the images' directory, or nothing.
type image struct {
	host, path, tag string
	// full is its name with host and tag, identity what a kubelet reports as its imageID.
	full, identity string
	content        []byte
	// gone is an image that was there once: registry and node have lost it.
	gone bool
}

// parseImage reads a name. The digest is that of the name and of what is in the image, unless the name has one.
func parseImage(name, images string) (image, error) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return image{}, err
	}
	named = reference.TagNameOnly(named)
	found := image{host: reference.Domain(named), path: reference.Path(named), full: named.String()}
	if tagged, ok := named.(reference.Tagged); ok {
		found.tag = tagged.Tag()
	}
	if images != "" {
		file := filepath.Join(images, strings.NewReplacer("/", "_", ":", "_").Replace(name))
		// Without a file there is nothing in it.
		found.content, _ = os.ReadFile(file + ".json")
		_, err := os.Stat(file + ".gone")
		found.gone = err == nil
	}
	sum := sha256.Sum256(append([]byte(found.full), found.content...))
	digest := "sha256:" + hex.EncodeToString(sum[:])
	if digested, ok := named.(reference.Digested); ok {
		digest = digested.Digest().String()
	}
	found.identity = named.Name() + "@" + digest
	return found, nil
}

// trouble is what a pull of the image meets, in the words of containerd 2 and its kubelet; none for an image that is there. Which it is, the
// host says: it is the same in every run, and no network is asked.
func (i image) trouble() string {
	resolve := fmt.Sprintf("failed to pull and unpack image %q: failed to resolve reference %q: ", i.full, i.full)
	manifest := fmt.Sprintf("https://%s/v2/%s/manifests/%s", i.host, i.path, i.tag)
	failed := func(code, what string) string { return "rpc error: code = " + code + " desc = " + resolve + what }
	switch {
	case i.gone || i.host == "missing.example" || i.tag == "missing":
		return failed("NotFound", i.full+": not found")
	case i.host == "denied.example":
		return failed("Unknown", "pull access denied, repository does not exist or may require authorization: "+
			"server message: insufficient_scope: authorization failed")
	case i.host == "away.example":
		return failed("DeadlineExceeded", fmt.Sprintf("failed to do request: Head %q: dial tcp 192.0.2.1:443: i/o timeout", manifest))
	case i.host == "limited.example":
		return failed("Unknown", "unexpected status from HEAD request to "+manifest+": 429 Too Many Requests")
	case i.host == "broken.example":
		return failed("Unknown", "unexpected status from HEAD request to "+manifest+": 503 Service Unavailable")
	}
	return ""
}
