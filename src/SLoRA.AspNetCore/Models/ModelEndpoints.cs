using SLoRA.AspNetCore.Errors;
using SLoRA.AspNetCore.Json;
using SLoRA.AspNetCore.Serving;

namespace SLoRA.AspNetCore.Models;

/// <summary><c>GET /v1/models</c> and <c>GET /v1/models/{model}</c>.</summary>
internal static class ModelEndpoints
{
    /// <summary>The base and every registered adapter that the caller may use.</summary>
    public static Task ListAsync(HttpContext http, ModelServer server)
    {
        var models = new List<ModelEntry>();
        if (server.Options.MayUse(http.User, server.BaseName))
        {
            models.Add(Base(server));
        }

        models.AddRange(server.Engine.Adapters.List()
            .Where(adapter => adapter.Name != server.BaseName && server.Options.MayUse(http.User, adapter.Name))
            .OrderBy(adapter => adapter.Name, StringComparer.Ordinal)
            .Select(adapter => Adapter(server, adapter)));
        return JsonAnswer.WriteAsync(http, new ModelList("list", models), ApiJson.Default.ModelList);
    }

    /// <summary>One of them.</summary>
    public static Task GetAsync(HttpContext http, ModelServer server)
    {
        string name = (string)http.Request.RouteValues["model"]!;
        string? adapter = server.AdapterOf(http, name);
        ModelEntry model = adapter is null
            ? Base(server)
            : server.Engine.Adapters.TryGet(adapter, out AdapterStatus? status)
                ? Adapter(server, status)
                : throw ApiException.UnknownModel(name);
        return JsonAnswer.WriteAsync(http, model, ApiJson.Default.ModelEntry);
    }

    private static ModelEntry Base(ModelServer server) => new(server.BaseName, "model", server.Created, "slora")
    {
        Root = server.BaseName,
        MaxModelLen = server.Engine.Model.ContextLength,
    };

    private static ModelEntry Adapter(ModelServer server, AdapterStatus adapter) => new(adapter.Name, "model", server.Created, "slora")
    {
        Root = adapter.Name,
        Parent = server.BaseName,
        MaxModelLen = server.Engine.Model.ContextLength,
        Generation = adapter.Generation,
    };
}
