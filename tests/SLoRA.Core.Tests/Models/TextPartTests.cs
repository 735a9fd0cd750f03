using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using SLoRA.Core.Tests.Engine;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Models.Families;

namespace SLoRA.Core.Tests.Models;

/// <summary>Models for images too, made of a fixture: its settings under text_config, modules renamed, a tensor of vision beside.</summary>
internal sealed class TextPartTests
{
    private const string Mistral = "core-mistral-window";

    [TestCase(Mistral, "Mistral3", "model.language_model.", "lm_head.", "model.language_model.")]
    [TestCase(Mistral, "Mistral3", "language_model.model.", "language_model.lm_head.", "language_model.model.")]
    [TestCase(Mistral, "Mistral3", "model.language_model.", "lm_head.", "model.")]
    [TestCase("later-qwen3-5-moe", "Qwen3_5Moe", "model.language_model.", "lm_head.", "model.language_model.")]
    public void The_language_model_answers_as_it_does_by_itself(
        string fixture, string architecture, string body, string head, string adapterBody)
    {
        using var folder = new TemporaryFolder();
        string model = Path.Combine(folder.Path, "model"), adapter = Path.Combine(folder.Path, "adapter");
        Directory.CreateDirectory(model);
        Directory.CreateDirectory(adapter);
        string original = RepositoryFolder.Fixture(fixture, "model");
        string config = File.ReadAllText(Path.Combine(original, "config.json"));
        string[] architectures = [.. JsonNode.Parse(config)!["architectures"]!.AsArray().Select(name => name!.GetValue<string>())];
        File.WriteAllText(Path.Combine(model, "config.json"), Wrapped(config, architecture));
        File.WriteAllBytes(
            Path.Combine(model, "model.safetensors"),
            Renamed(
                File.ReadAllBytes(Path.Combine(original, "model.safetensors")),
                name => name.StartsWith("model.", StringComparison.Ordinal)
                    ? body + name["model.".Length..]
                    : head + name["lm_head.".Length..],
                hasVision: true));
        string originalAdapter = RepositoryFolder.Fixture(fixture, "adapters", "all-linear-r4");
        File.Copy(Path.Combine(originalAdapter, "adapter_config.json"), Path.Combine(adapter, "adapter_config.json"));
        File.WriteAllBytes(
            Path.Combine(adapter, "adapter_model.safetensors"),
            Renamed(
                File.ReadAllBytes(Path.Combine(originalAdapter, "adapter_model.safetensors")),
                name => name.Replace("base_model.model.model.", "base_model.model." + adapterBody, StringComparison.Ordinal),
                hasVision: false));

        using (BaseModel opened = BaseModel.Open(model))
        {
            Assert.That((opened.LeftOut, opened.Decoder.Architecture), Is.EqualTo((1, architectures[0])));
        }

        Assert.That(Tokens(model, adapter), Is.EqualTo(Tokens(original, originalAdapter)));
    }

    [TestCase("""{"model_type":"llama"}""", "model_type")]
    [TestCase("""{"model_type":"mistral","num_experts":4}""", "num_experts")]
    [TestCase("""{"model_type":null}""", "model_type")]
    public void A_text_that_is_not_served_is_refused_with_the_path_to_its_key(string text, string key)
    {
        JsonObject config = JsonNode.Parse(Wrapped("{}"))!.AsObject();
        config["text_config"] = JsonNode.Parse(text);
        FormatError error = Assert.Throws<FormatError>(() => DecoderFamilies.Describe(
            ConfigDocument.Parse(Encoding.UTF8.GetBytes(config.ToJsonString()), "config.json")))!;
        Assert.That(error.Subject, Is.EqualTo("text_config." + key), error.Message);
    }

    private static IReadOnlyList<int> Tokens(string model, string adapter)
    {
        using var engine = new SteppedEngine(builder => builder.UseCpu(cpu => cpu.Threads = 1).UseModel(model).AddAdapter("a", adapter));
        Answer answer = engine.Ask(new GenerationRequest
        {
            Prompt = (int[])[5, 17, 33, 2, 9, 40],
            Adapter = "a",
            MaxTokens = 12,
            IgnoreEndOfText = true,
        });
        engine.Finish(answer);
        return answer.Tokens;
    }

    private static string Wrapped(string text, string architecture = "Mistral3")
    {
        JsonObject inner = JsonNode.Parse(text)!.AsObject();
        inner.Remove("architectures");
        var outer = new JsonObject
        {
            ["architectures"] = new JsonArray(architecture + "ForConditionalGeneration"),
            ["model_type"] = architecture == "Mistral3" ? "mistral3" : "qwen3_5_moe",
            ["vision_config"] = new JsonObject { ["hidden_size"] = 8 },
            ["text_config"] = inner,
        };

        // Published files have these beside the settings of text.
        foreach (string key in (string[])["dtype", "torch_dtype", "tie_word_embeddings", "eos_token_id"])
        {
            if (inner.Remove(key, out JsonNode? value))
            {
                outer[key] = value;
            }
        }

        return outer.ToJsonString();
    }

    private static byte[] Renamed(byte[] file, Func<string, string> rename, bool hasVision)
    {
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        JsonObject header = JsonNode.Parse(file.AsSpan(8, length))!.AsObject();
        int data = file.Length - 8 - length;
        var renamed = new JsonObject();
        foreach ((string name, JsonNode? value) in header)
        {
            renamed[name == "__metadata__" ? name : rename(name)] = value!.DeepClone();
        }

        if (hasVision)
        {
            renamed["model.vision_tower.patch.weight"] =
                new JsonObject { ["dtype"] = "F32", ["shape"] = new JsonArray(2), ["data_offsets"] = new JsonArray(data, data + 8) };
        }

        byte[] json = Encoding.UTF8.GetBytes(renamed.ToJsonString());
        byte[] size = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(size, json.Length);
        return [.. size, .. json, .. file[(8 + length)..], .. new byte[hasVision ? 8 : 0]];
    }
}
