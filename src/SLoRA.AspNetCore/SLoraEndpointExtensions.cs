using SLoRA.AspNetCore.Administration;
using SLoRA.AspNetCore.Chat;
using SLoRA.AspNetCore.Completions;
using SLoRA.AspNetCore.Metrics;
using SLoRA.AspNetCore.Models;
using SLoRA.AspNetCore.Responses;
using SLoRA.AspNetCore.Serving;
using SLoRA.AspNetCore.Tokens;
using SLoRA.Text;

namespace SLoRA.AspNetCore;

/// <summary>Endpoints that clients of OpenAI speak, in front of an engine.</summary>
public static class SLoraEndpointExtensions
{
    /// <summary>
    /// Maps <c>/v1/models</c>, <c>/v1/chat/completions</c>, <c>/v1/completions</c>, <c>/v1/responses</c>, <c>/tokenize</c> and
    /// <c>/detokenize</c>. A request's <c>model</c> is the name of an adapter, or of the base. The endpoints ask nobody who he is: call
    /// <c>RequireAuthorization</c> and <c>RequireRateLimiting</c> on what is returned. A client that goes ends its request within one
    /// step.
    /// </summary>
    /// <param name="endpoints">Where to map them.</param>
    /// <param name="generator">
    /// The engine with its tokenizer; it stays the caller's to drain and dispose. Null takes the one among the host's services; until its
    /// model is loaded, requests are answered with 503.
    /// </param>
    /// <param name="options">Names and limits; null for the defaults.</param>
    /// <returns>All endpoints together, for conventions.</returns>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">No generator is given, and the host's services have none.</exception>
    public static RouteGroupBuilder MapSLoRA(
        this IEndpointRouteBuilder endpoints, TextGenerator? generator = null, SLoraHttpOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ModelServer server = ServerOf(endpoints, generator, options);
        RouteGroupBuilder group = endpoints.MapGroup("");
        group.MapGet("/v1/models", ApiEndpoint.Of(server, ModelEndpoints.ListAsync));
        group.MapGet("/v1/models/{**model}", ApiEndpoint.Of(server, ModelEndpoints.GetAsync));
        group.MapPost("/v1/chat/completions", ApiEndpoint.Of(server, ChatCompletions.HandleAsync));
        group.MapPost("/v1/completions", ApiEndpoint.Of(server, PlainCompletions.HandleAsync));
        group.MapPost("/v1/responses", ApiEndpoint.Of(server, ResponseEndpoint.HandleAsync));
        group.MapPost("/tokenize", ApiEndpoint.Of(server, TokenEndpoints.TokenizeAsync));
        group.MapPost("/detokenize", ApiEndpoint.Of(server, TokenEndpoints.DetokenizeAsync));
        return group;
    }

    /// <summary>
    /// Maps <c>/v1/load_lora_adapter</c> and <c>/v1/unload_lora_adapter</c>, for callers of a policy alone. Adapters are read from below
    /// the roots only: no path and no link leads out of them.
    /// </summary>
    /// <param name="endpoints">Where to map them.</param>
    /// <param name="generator">As for <see cref="MapSLoRA"/>.</param>
    /// <param name="policy">The authorization policy that callers must meet.</param>
    /// <param name="roots">The folders below which adapters lie; a path that is not absolute starts at each of them in turn.</param>
    /// <param name="options">As for <see cref="MapSLoRA"/>.</param>
    /// <returns>Both endpoints, for conventions.</returns>
    /// <exception cref="InvalidOptionException">An option is out of its range, or a root is no folder.</exception>
    /// <exception cref="InvalidOperationException">No generator is given, and the host's services have none.</exception>
    public static RouteGroupBuilder MapSLoRAAdministration(
        this IEndpointRouteBuilder endpoints, TextGenerator? generator, string policy, IReadOnlyList<string> roots,
        SLoraHttpOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentException.ThrowIfNullOrEmpty(policy);
        ArgumentNullException.ThrowIfNull(roots);
        ModelServer server = ServerOf(endpoints, generator, options);
        var administration = new AdapterAdministration(new AdapterRoots(roots));
        RouteGroupBuilder group = endpoints.MapGroup("").RequireAuthorization(policy);
        group.MapPost("/v1/load_lora_adapter", ApiEndpoint.Of(server, administration.LoadAsync));
        group.MapPost("/v1/unload_lora_adapter", ApiEndpoint.Of(server, administration.UnloadAsync));
        return group;
    }

    /// <summary>
    /// Maps what a Kubernetes inference gateway scrapes to choose a server: running and waiting requests, the pool's use, and the adapters
    /// of both, under vLLM's names in Prometheus' text. It names tenants' adapters: do not show it to them. Everything else is measured by
    /// the engine's meter, <see cref="MetricsOptions.MeterName"/>.
    /// </summary>
    /// <param name="endpoints">Where to map it.</param>
    /// <param name="generator">As for <see cref="MapSLoRA"/>.</param>
    /// <param name="pattern">The path.</param>
    /// <param name="maxAdapters">How many adapters at once the gateway is told this server takes, at least 1.</param>
    /// <param name="options">As for <see cref="MapSLoRA"/>.</param>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">No generator is given, and the host's services have none.</exception>
    public static IEndpointConventionBuilder MapSLoRAMetrics(
        this IEndpointRouteBuilder endpoints, TextGenerator? generator = null, string pattern = "/metrics", int maxAdapters = 256,
        SLoraHttpOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxAdapters, 1);
        ModelServer server = ServerOf(endpoints, generator, options);
        return endpoints.MapGet(pattern, ApiEndpoint.Of(server, new GatewayMetrics(maxAdapters).WriteAsync));
    }

    private static ModelServer ServerOf(IEndpointRouteBuilder endpoints, TextGenerator? generator, SLoraHttpOptions? options)
    {
        IServiceProvider services = endpoints.ServiceProvider;
        return new ModelServer(generator ?? services.GetRequiredService<TextGenerator>(), options, services);
    }
}
