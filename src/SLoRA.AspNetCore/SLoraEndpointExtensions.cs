using SLoRA.AspNetCore.Chat;
using SLoRA.AspNetCore.Completions;
using SLoRA.AspNetCore.Models;
using SLoRA.AspNetCore.Serving;
using SLoRA.Text;

namespace SLoRA.AspNetCore;

/// <summary>Endpoints that clients of OpenAI speak, in front of an engine.</summary>
public static class SLoraEndpointExtensions
{
    /// <summary>
    /// Maps <c>/v1/models</c>, <c>/v1/chat/completions</c> and <c>/v1/completions</c>. A request's <c>model</c> is the name of an adapter,
    /// or of the base. The endpoints ask nobody who he is: call <c>RequireAuthorization</c> and <c>RequireRateLimiting</c> on what is
    /// returned. A client that goes ends its request within one step.
    /// </summary>
    /// <param name="endpoints">Where to map them.</param>
    /// <param name="generator">The engine with its tokenizer; it stays the caller's to drain and dispose.</param>
    /// <param name="options">Names and limits; null for the defaults.</param>
    /// <returns>All endpoints together, for conventions.</returns>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    public static RouteGroupBuilder MapSLoRA(
        this IEndpointRouteBuilder endpoints, TextGenerator generator, SLoraHttpOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(generator);
        var server = new ModelServer(generator, options ?? new SLoraHttpOptions());
        RouteGroupBuilder group = endpoints.MapGroup("");
        group.MapGet("/v1/models", ApiEndpoint.Of(server, ModelEndpoints.ListAsync));
        group.MapGet("/v1/models/{**model}", ApiEndpoint.Of(server, ModelEndpoints.GetAsync));
        group.MapPost("/v1/chat/completions", ApiEndpoint.Of(server, ChatCompletions.HandleAsync));
        group.MapPost("/v1/completions", ApiEndpoint.Of(server, PlainCompletions.HandleAsync));
        return group;
    }
}
