using System.Globalization;
using System.Text;
using SLoRA.AspNetCore.Serving;

namespace SLoRA.AspNetCore.Metrics;

/// <summary>
/// The series by which Kubernetes' inference gateways choose a server, under the names that vLLM gives them, as Prometheus reads them.
/// </summary>
/// <param name="maxAdapters">How many adapters at once the gateway is told this server takes.</param>
internal sealed class GatewayMetrics(int maxAdapters)
{
    public Task WriteAsync(HttpContext http, ModelServer server)
    {
        http.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        return http.Response.WriteAsync(Text(server), http.RequestAborted);
    }

    private string Text(ModelServer server)
    {
        EngineStatus status = server.Engine.Status;
        var text = new StringBuilder();
        string model = $"{{model_name=\"{Escaped(server.BaseName)}\"}}";
        Gauge(text, "vllm:num_requests_running", "Sequences that run.", model, status.Running);
        Gauge(text, "vllm:num_requests_waiting", "Requests that wait to be admitted.", model, status.Waiting);
        Gauge(text, "vllm:kv_cache_usage_perc", "Share of the pool's pages that are in use, 0 to 1.", model, status.Pool.Utilization);
        var running = new List<string>();
        var waiting = new List<string>();
        foreach (AdapterStatus adapter in server.Engine.Adapters.List())
        {
            // A gateway splits the lists at commas.
            if (adapter.Requests > 0 && !adapter.Name.Contains(',', StringComparison.Ordinal))
            {
                (adapter.IsResident ? running : waiting).Add(adapter.Name);
            }
        }

        string labels = $"{{max_lora=\"{maxAdapters.ToString(CultureInfo.InvariantCulture)}\",running_lora_adapters=\"{Listed(running)}\","
            + $"waiting_lora_adapters=\"{Listed(waiting)}\"}}";
        Gauge(
            text, "vllm:lora_requests_info", "Adapters of running and waiting requests; the value is the time, in seconds since 1970.",
            labels,
            server.Options.Clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0);
        return text.ToString();
    }

    private static string Listed(List<string> names)
    {
        names.Sort(StringComparer.Ordinal);
        return Escaped(string.Join(',', names));
    }

    private static string Escaped(string label) => label.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n");

    private static void Gauge(StringBuilder text, string name, string help, string labels, double value) => text.Append(
        CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} gauge\n{name}{labels} {value:R}\n");
}
