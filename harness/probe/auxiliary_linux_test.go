package probe

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
)

// What is said of the subject does not reach an auxiliary program.
func TestAuxiliary(t *testing.T) {
	subject, _ := startSubject(t)
	path, _, err := executable(Program{Dir: "testdata/subject", Package: "."})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(subjectVar, "/nonexistent/subject")
	t.Setenv(subjectEnvVar, `["SUBJECT_WORD=no"]`) // a variant's
	t.Setenv(subjectCPUsVar, "nonsense")
	t.Setenv("SUBJECT_WORD", "no") // this process's
	addresses, err := FreeAddresses(2)
	if err != nil {
		t.Fatal(err)
	}
	if addresses[0] == addresses[1] {
		t.Errorf("the same address twice: %v", addresses)
	}
	a, err := StartAuxiliary(path, Program{
		Args:  []string{addresses[0]},
		Ready: Answers("http://" + addresses[0] + "/ready"),
	})
	if err != nil {
		t.Fatal(err)
	}
	where := ask(t, "http://"+addresses[0]+"/where")
	if !strings.Contains(where, "SUBJECT_WORD=\n") {
		t.Errorf("it was told the subject's word:\n%s", where)
	}
	if a.Pid() == subject.Pid() {
		t.Error("it is the subject")
	}
	if err := a.Kill(); err != nil {
		t.Error(err)
	}
	if l, err := net.Listen("tcp", addresses[0]); err != nil {
		t.Errorf("its address is not free after Kill: %v", err)
	} else {
		l.Close()
	}

	// Errors call it by its name.
	_, err = StartAuxiliary(path, Program{Args: []string{"nonsense"},
		Ready: func(context.Context) error { return os.ErrNotExist }})
	if err == nil || !strings.Contains(err.Error(), "ended before it was ready") || strings.Contains(err.Error(), "the subject") {
		t.Error(err)
	}
	if _, err := StartAuxiliary("/nonexistent/etcd", Program{}); err == nil || !strings.Contains(err.Error(), "starting etcd /nonexistent/etcd") {
		t.Error(err)
	}
}
