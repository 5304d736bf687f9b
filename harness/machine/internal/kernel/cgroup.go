package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Cgroup is the control group that bounds the CPU time of the calling process.
type Cgroup struct {
	Version int // 1 or 2
	// Dirs are its directory and those of its ancestors as far up as they are
	// mounted, its own first. A limit at any of them holds.
	Dirs []string
}

// Limit is the tightest CPU limit of a cgroup and its ancestors.
type Limit struct {
	CPUs float64 // CPU seconds per second; 0 when there is no limit
	Dir  string  // the directory that sets it; "" when there is no limit
}

// Cgroup finds the calling process's cgroup with the CPU controller: the v1 one
// where that is mounted, else v2. On a hybrid system v2 is mounted too, but
// without that controller.
func (t Tree) Cgroup() (Cgroup, error) {
	const file = "proc/self/cgroup"
	text, err := t.Text(file)
	if err != nil {
		return Cgroup{}, err
	}
	paths := map[int]string{}
	for line := range strings.SplitSeq(text, "\n") {
		// hierarchy:controllers:path
		f := strings.SplitN(line, ":", 3)
		switch {
		case len(f) < 3 || !strings.HasPrefix(f[2], "/"):
		case f[0] == "0" && f[1] == "":
			paths[2] = f[2]
		case slices.Contains(strings.Split(f[1], ","), "cpu"):
			paths[1] = f[2]
		}
	}
	for _, version := range []int{1, 2} {
		own, ok := paths[version]
		if !ok {
			continue
		}
		if dirs := t.cgroupDirs(version, own); len(dirs) > 0 {
			return Cgroup{version, dirs}, nil
		}
	}
	return Cgroup{}, fmt.Errorf("%s: no cgroup with a CPU controller whose folder is mounted here", file)
}

// cgroupDirs returns the folder of the cgroup named own and of its ancestors,
// found through the first mount that shows it. A container mounts only a part
// of the hierarchy: mountinfo's 4th field names it, and is cut off own.
func (t Tree) cgroupDirs(version int, own string) []string {
	for _, line := range t.Lines("proc/self/mountinfo") {
		mount, super, ok := strings.Cut(line, " - ")
		m, s := strings.Fields(mount), strings.Fields(super)
		if !ok || len(m) < 5 || len(s) < 3 {
			continue
		}
		is1 := s[0] == "cgroup" && slices.Contains(strings.Split(s[2], ","), "cpu")
		if version == 1 && !is1 || version == 2 && s[0] != "cgroup2" {
			continue
		}
		top, root := unescape(m[4]), unescape(m[3])
		rest, inside := strings.CutPrefix(own, strings.TrimSuffix(root, "/"))
		if !inside || rest != "" && rest[0] != '/' || slices.Contains(strings.Split(rest, "/"), "..") {
			continue
		}
		var dirs []string
		for rest = path.Clean("/" + rest); ; rest = path.Dir(rest) {
			dir := strings.TrimPrefix(path.Join(top, rest), "/")
			if !t.IsDir(dir) {
				return nil
			}
			dirs = append(dirs, dir)
			if rest == "/" {
				return dirs
			}
		}
	}
	return nil
}

// unescape undoes the escapes of mountinfo.
func unescape(field string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(field)
}

// Limit returns the tightest CPU limit over g and its ancestors. ok is false
// when one of them could not be understood, for that one might be tighter. A
// folder without the file sets no limit: the root of v2 has none, nor has a
// group that the controller was not enabled for.
func (t Tree) Limit(g Cgroup) (tightest Limit, ok bool) {
	for _, dir := range g.Dirs {
		var cpus float64
		if g.Version == 1 {
			cpus, ok = t.limit1(dir)
		} else {
			cpus, ok = t.limit2(dir)
		}
		if !ok {
			return Limit{}, false
		}
		if cpus > 0 && (tightest.CPUs == 0 || cpus < tightest.CPUs) {
			tightest = Limit{cpus, dir}
		}
	}
	return tightest, len(g.Dirs) > 0
}

// limit1 reads the limit of one v1 group; 0 is none.
func (t Tree) limit1(dir string) (cpus float64, ok bool) {
	if t.missing(dir + "/cpu.cfs_quota_us") {
		return 0, true
	}
	quota, okQ := t.Number(dir + "/cpu.cfs_quota_us")
	period, okP := t.Number(dir + "/cpu.cfs_period_us")
	if okQ && quota == -1 {
		return 0, true
	}
	if !okQ || !okP || quota <= 0 || period <= 0 {
		return 0, false
	}
	return float64(quota) / float64(period), true
}

// limit2 reads the limit of one v2 group: "max 100000" or "50000 100000".
func (t Tree) limit2(dir string) (cpus float64, ok bool) {
	if t.missing(dir + "/cpu.max") {
		return 0, true
	}
	quota, rest, _ := strings.Cut(t.Word(dir+"/cpu.max"), " ")
	if quota == "max" {
		return 0, true
	}
	q, errQ := strconv.ParseUint(quota, 10, 52)
	p, errP := strconv.ParseUint(rest, 10, 52)
	if errQ != nil || errP != nil || q == 0 || p == 0 {
		return 0, false
	}
	return float64(q) / float64(p), true
}

func (t Tree) missing(path string) bool {
	_, err := fs.Stat(t.fsys, path)
	return errors.Is(err, fs.ErrNotExist)
}

// ThrottledMS returns for how long g and its ancestors have been stopped by
// their quotas, in ms, added up over CPUs and groups. ok is false when a
// cpu.stat can't be read; one without the line has no quota and adds 0.
func (t Tree) ThrottledMS(g Cgroup) (ms int64, ok bool) {
	for _, dir := range g.Dirs {
		text, err := t.Text(dir + "/cpu.stat")
		if err != nil {
			return 0, false
		}
		for line := range strings.Lines(text) {
			f := strings.Fields(line)
			if len(f) != 2 {
				return 0, false
			}
			n, good := count(f[1])
			if !good {
				return 0, false
			}
			switch f[0] {
			case "throttled_time": // v1, ns
				ms += n / 1e6
			case "throttled_usec": // v2
				ms += n / 1e3
			}
		}
	}
	return ms, len(g.Dirs) > 0
}
