package etcd

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// A check that lets everything pass is worth nothing: each of these servers is
// wrong in one way, and check must say in which.
func TestCheckCatchesBroken(t *testing.T) {
	for _, c := range []struct {
		name string
		lie  lie
		want string
	}{
		{"an acknowledged put is lost", between(losesPuts()), "a write of register/"},
		{"an acknowledged put is lost, at a revision of its own", between(losesPutsWell()), "known before it"},
		{"reads are stale", between(staleReads()), "known before it"},
		{"a value is changed", between(changesValue()), "is not a value of"},
		{"revisions go back", between(revisionsBack()), "was answered with revision"},
		{"a range lacks its last key", between(shortRange()), "keys, want"},
		{"a failed transaction succeeds", between(yesToAll()), "counter"},
		{"a watcher misses an event", lie{dial: []grpc.DialOption{grpc.WithStreamInterceptor(missesEvent())}}, "watch: event"},
		{"a restart loses a key", lie{restart: func(ctx context.Context, c *clientv3.Client) error {
			_, err := c.Delete(ctx, "register/07")
			return err
		}}, "after a restart: 11 keys, want 12"},
		{"a restart goes back to an old value", lie{restart: func(ctx context.Context, c *clientv3.Client) error {
			_, err := c.Put(ctx, "register/07", "register/07#1")
			return err
		}}, "after a restart: register/07=register/07#1"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			t.Parallel() // they mostly wait for servers to start
			err := check(Config{Disk: "disk"}, c.lie)
			if err == nil {
				t.Fatal("passes the check")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("caught as %q, want %q", err, c.want)
			}
		})
	}
}

// An alter changes a call, or its answer. It must call invoke itself.
type alter func(invoke func() error, req, reply any) error

func between(a alter) lie {
	return lie{dial: []grpc.DialOption{grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return a(func() error { return call(ctx, method, req, reply, conn, opts...) }, req, reply)
		})}}
}

// losesPuts acknowledges every 20th put without making it, with the last
// revision that it saw.
func losesPuts() alter {
	var puts, revision atomic.Int64
	return func(invoke func() error, req, reply any) error {
		resp, isPut := reply.(*pb.PutResponse)
		if isPut && puts.Add(1)%20 == 0 {
			resp.Header = &pb.ResponseHeader{Revision: revision.Load()}
			return nil
		}
		err := invoke()
		if isPut && err == nil {
			revision.Store(resp.Header.Revision)
		}
		return err
	}
}

// losesPutsWell is a liar who thinks of the revision: it writes another key.
func losesPutsWell() alter {
	var puts atomic.Int64
	return func(invoke func() error, req, _ any) error {
		if put, ok := req.(*pb.PutRequest); ok && puts.Add(1)%20 == 0 {
			put.Key = []byte("elsewhere")
		}
		return invoke()
	}
}

// staleReads answers a read of one key, in three of four, with an old answer
// that it dates anew.
func staleReads() alter {
	var mu sync.Mutex
	old := map[string][]*mvccpb.KeyValue{}
	n := 0
	return func(invoke func() error, req, reply any) error {
		err := invoke()
		get, ok := req.(*pb.RangeRequest)
		if !ok || err != nil || !strings.HasPrefix(string(get.Key), "register/") || len(get.RangeEnd) > 0 {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		resp := reply.(*pb.RangeResponse)
		if n++; n%4 == 0 || old[string(get.Key)] == nil {
			old[string(get.Key)] = resp.Kvs
		}
		resp.Kvs = old[string(get.Key)]
		return nil
	}
}

func changesValue() alter {
	return onRange(func(resp *pb.RangeResponse) {
		if len(resp.Kvs) == 1 && strings.HasPrefix(string(resp.Kvs[0].Key), "register/") {
			resp.Kvs[0] = proto.Clone(resp.Kvs[0]).(*mvccpb.KeyValue)
			resp.Kvs[0].Value[0] ^= 1
		}
	})
}

func revisionsBack() alter {
	return onRange(func(resp *pb.RangeResponse) { resp.Header.Revision -= min(resp.Header.Revision, 5) })
}

func shortRange() alter {
	return onRange(func(resp *pb.RangeResponse) {
		if n := len(resp.Kvs); n > 1 {
			resp.Kvs = resp.Kvs[:n-1]
		}
	})
}

func onRange(change func(*pb.RangeResponse)) alter {
	return func(invoke func() error, _, reply any) error {
		err := invoke()
		if resp, ok := reply.(*pb.RangeResponse); ok && err == nil {
			change(resp)
		}
		return err
	}
}

func yesToAll() alter {
	return func(invoke func() error, _, reply any) error {
		err := invoke()
		if resp, ok := reply.(*pb.TxnResponse); ok && err == nil {
			resp.Succeeded = true
		}
		return err
	}
}

// missesEvent drops one event of a watcher.
func missesEvent() grpc.StreamClientInterceptor {
	var events atomic.Int64
	return func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		stream, err := open(ctx, desc, conn, method, opts...)
		return &lossyStream{stream, &events}, err
	}
}

type lossyStream struct {
	grpc.ClientStream
	events *atomic.Int64
}

func (s *lossyStream) RecvMsg(into any) error {
	err := s.ClientStream.RecvMsg(into)
	if resp, ok := into.(*pb.WatchResponse); ok && err == nil {
		if n := len(resp.Events); n > 0 && s.events.Add(int64(n)) > 100 && s.events.Swap(-1<<40) > 100 {
			resp.Events = resp.Events[1:]
		}
	}
	return err
}
