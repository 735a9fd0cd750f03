using SLoRA.AspNetCore.Errors;
using SLoRA.AspNetCore.Json;
using SLoRA.AspNetCore.Serving;

namespace SLoRA.AspNetCore.Administration;

/// <summary><c>POST /v1/load_lora_adapter</c> and <c>POST /v1/unload_lora_adapter</c>, as vLLM names them.</summary>
/// <param name="roots">Where adapters may lie.</param>
internal sealed class AdapterAdministration(AdapterRoots roots)
{
    /// <summary>Registers an adapter, or replaces one in place; answers with the generation of its content.</summary>
    public async Task LoadAsync(HttpContext http, ModelServer server)
    {
        LoadAdapterBody body = await RequestBody.ReadAsync(http, ApiJson.Default.LoadAdapterBody, server.Options.MaxBodyBytes)
            .ConfigureAwait(false);
        string name = NameOf(body.LoraName, server);
        if (string.IsNullOrEmpty(body.LoraPath))
        {
            throw ApiException.Invalid("lora_path", "The body names no folder in 'lora_path'.");
        }

        // What does not exist and what may not be read look alike.
        string folder = roots.Find(body.LoraPath) ?? throw new ApiException(
            StatusCodes.Status403Forbidden, "path_not_allowed", $"'{body.LoraPath}' is no folder from which this server takes adapters.",
            "lora_path");
        IAdapterCollection adapters = server.Engine.Adapters;
        try
        {
            await (body.LoadInplace ?? false && adapters.Contains(name)
                ? adapters.ReplaceAsync(name, folder, AdapterValidation.Content, http.RequestAborted)
                : adapters.RegisterAsync(name, folder, AdapterValidation.Content, http.RequestAborted)).ConfigureAwait(false);
        }
        catch (AdapterLoadException unusable)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, unusable.Code, unusable.Message, "lora_path");
        }

        adapters.TryGet(name, out AdapterStatus? status);
        await JsonAnswer.WriteAsync(http, new AdapterChange("loaded", name, status?.Generation), ApiJson.Default.AdapterChange)
            .ConfigureAwait(false);
    }

    /// <summary>Removes a name; requests that have it go on to their end.</summary>
    public async Task UnloadAsync(HttpContext http, ModelServer server)
    {
        UnloadAdapterBody body = await RequestBody.ReadAsync(http, ApiJson.Default.UnloadAdapterBody, server.Options.MaxBodyBytes)
            .ConfigureAwait(false);
        string name = NameOf(body.LoraName, server);
        server.Engine.Adapters.TryGet(name, out AdapterStatus? status);
        if (!await server.Engine.Adapters.UnregisterAsync(name).ConfigureAwait(false))
        {
            throw new ApiException(
                StatusCodes.Status404NotFound, "adapter.not-found", $"There is no adapter named '{name}'.", "lora_name");
        }

        await JsonAnswer.WriteAsync(http, new AdapterChange("unloaded", name, status?.Generation), ApiJson.Default.AdapterChange)
            .ConfigureAwait(false);
    }

    private static string NameOf(string? name, ModelServer server) => name switch
    {
        null or "" => throw ApiException.Invalid("lora_name", "The body names no adapter in 'lora_name'."),
        _ when name == server.BaseName => throw ApiException.Invalid("lora_name", $"'{name}' is the base model."),
        { Length: > AdapterUse.MaxNameLength } => throw ApiException.Invalid(
            "lora_name", $"lora_name has {name.Length} characters; at most {AdapterUse.MaxNameLength} are taken."),
        _ => name,
    };
}
