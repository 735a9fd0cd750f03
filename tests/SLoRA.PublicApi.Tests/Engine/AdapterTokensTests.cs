using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using SLoRA.Text;

namespace SLoRA.PublicApi.Tests.Engine;

/// <summary>Adapters that were trained with tokens of their own: text goes in and out by the tokenizer that their trainer saved.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Parallelizable(ParallelScope.All)]
internal sealed class AdapterTokensTests : IDisposable
{
    private const int Vocabulary = 2048;
    private const int Width = 256;
    private const string Ticket = "<|ticket|>";
    private const string Closing = "<|closing|>";

    private readonly string _folder = Directory.CreateTempSubdirectory("slora-tokens-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task Text_has_the_adapters_tokens_for_this_adapter_alone([Values] bool fromSource)
    {
        WriteAdapter();
        WriteTokenizer(file => Add(file, Ticket, Closing));
        await using LoraServingEngine engine = await Demo.StartAsync(
            builder => _ = fromSource
                ? builder.UseAdapterSource(new AdapterDirectorySource(Path.GetDirectoryName(_folder)!))
                : builder.AddAdapter(Path.GetFileName(_folder), _folder),
            "bakery");
        var generator = new TextGenerator(engine, Demo.Tokenizer);
        var request = new TextRequest
        {
            Prompt = "Open the door, please:",
            Adapter = Path.GetFileName(_folder),
            MaxTokens = 2,
            Sampling = new SamplingOptions { LogitBias = new Dictionary<int, float> { [Vocabulary] = 100 } },
        };

        if (fromSource)
        {
            // The tokens are legal once it is known what the name stands for.
            await engine.Adapters.PreloadAsync(request.Adapter);
        }

        TextAnswer answer = await generator.CompleteAsync(request);
        ModelTokenizer own = generator.TokenizerFor(request);

        Assert.Multiple(() =>
        {
            Assert.That(answer.Text, Is.EqualTo(Ticket + Ticket));
            Assert.That(own.Encode($"a{Closing}b", addSpecialTokens: false), Has.Member(Vocabulary + 1));
            Assert.That(own.Decode(own.Encode("When are you open?")), Is.EqualTo("When are you open?"));
            Assert.That(generator.TokenizerFor(new TextRequest { Adapter = "bakery" }), Is.SameAs(Demo.Tokenizer));
            Assert.That(generator.TokenizerFor(new TextRequest()), Is.SameAs(Demo.Tokenizer));
            Assert.That(generator.TokenizerFor(request), Is.SameAs(own), "read once");
        });
    }

    [TestCase("none", "no tokenizer.json")]
    [TestCase("one", "no token 2049")]
    [TestCase("other", "the model's")]
    [TestCase("vocabulary", "its vocabulary has 2049 tokens")]
    [TestCase("damaged", "JSON")]
    public async Task What_is_not_the_models_tokenizer_and_more_is_refused_by_the_adapters_name(string what, string mention)
    {
        WriteAdapter();
        switch (what)
        {
            case "one":
                WriteTokenizer(file => Add(file, Ticket));
                break;
            case "other":
                WriteTokenizer(file =>
                {
                    Add(file, Ticket, Closing);
                    JsonObject vocabulary = file["model"]!["vocab"]!.AsObject();
                    (vocabulary["a"], vocabulary["b"]) = ((int)vocabulary["b"]!, (int)vocabulary["a"]!);
                });
                break;
            case "vocabulary":
                WriteTokenizer(file =>
                {
                    file["model"]!["vocab"]!["zzzzzz"] = Vocabulary;
                    Add(file, Ticket);
                });
                break;
            case "damaged":
                File.WriteAllText(Path.Combine(_folder, "tokenizer.json"), "{");
                break;
        }

        await using LoraServingEngine engine = await Demo.StartAsync(builder => builder.AddAdapter("tenant", _folder));
        var generator = new TextGenerator(engine, Demo.Tokenizer);

        var error = Assert.Throws<TokenizerException>(() => generator.GenerateAsync(new TextRequest { Prompt = "a", Adapter = "tenant" }))!;

        Assert.That(error.Code, Is.EqualTo("tokenizer.adapter"));
        Assert.That(error.Message, Does.Contain("'tenant'").And.Contain(mention).And.Not.Contain(_folder));
    }

    /// <summary>LoRA on one module and two tokens behind the model's last.</summary>
    private void WriteAdapter()
    {
        File.WriteAllText(Path.Combine(_folder, "adapter_config.json"), $$"""
            {"peft_type":"LORA","r":2,"lora_alpha":2,"target_modules":["layers.0.self_attn.q_proj"],
             "trainable_token_indices":[{{Vocabulary}},{{Vocabulary + 1}}]}
            """);
        (string Name, int Rows, int Columns)[] tensors =
        [
            ("model.layers.0.self_attn.q_proj.lora_A.weight", 2, Width),
            ("model.layers.0.self_attn.q_proj.lora_B.weight", Width, 2),
            ("model.embed_tokens.token_adapter.trainable_tokens_delta", 2, Width),
        ];
        var random = new Random(6);
        var header = new JsonObject();
        var data = new List<byte>();
        foreach ((string name, int rows, int columns) in tensors)
        {
            float[] values = [.. Enumerable.Range(0, rows * columns).Select(_ => (random.NextSingle() - 0.5f) * 0.02f)];
            int begin = data.Count;
            data.AddRange(MemoryMarshal.AsBytes<float>(values));
            header["base_model.model." + name] = new JsonObject
            {
                ["dtype"] = "F32",
                ["shape"] = new JsonArray(rows, columns),
                ["data_offsets"] = new JsonArray(begin, data.Count),
            };
        }

        byte[] text = JsonSerializer.SerializeToUtf8Bytes(header), length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        File.WriteAllBytes(Path.Combine(_folder, "adapter_model.safetensors"), [.. length, .. text, .. data]);
    }

    private void WriteTokenizer(Action<JsonObject> change)
    {
        JsonObject file = JsonNode.Parse(File.ReadAllText(Path.Combine(Demo.Model, "tokenizer.json")))!.AsObject();
        change(file);
        File.WriteAllText(Path.Combine(_folder, "tokenizer.json"), file.ToJsonString());
    }

    private static void Add(JsonObject file, params string[] tokens)
    {
        JsonArray added = file["added_tokens"]!.AsArray();
        int next = file["model"]!["vocab"]!.AsObject().Count;
        foreach (string token in tokens)
        {
            added.Add(new JsonObject
            {
                ["id"] = next++,
                ["content"] = token,
                ["single_word"] = false,
                ["lstrip"] = false,
                ["rstrip"] = false,
                ["normalized"] = false,
                ["special"] = false,
            });
        }
    }
}
