package probe

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Answers returns a Ready that is satisfied when a GET of the URL is answered
// with status 200.
func Answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := debugClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", response.Status, text)
		}
		return nil
	}
}
