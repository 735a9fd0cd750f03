using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Models;

internal sealed class BaseModelTests
{
    private const string Config = """
        {"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":4,"intermediate_size":6,"num_hidden_layers":1,
         "num_attention_heads":2,"vocab_size":5,"max_position_embeddings":16,"eos_token_id":3,"tie_word_embeddings":true}
        """;

    [TestCaseSource(nameof(CoreFixtures))]
    public void Every_model_of_the_first_families_opens(string name)
    {
        using BaseModel model = BaseModel.Open(Path.Combine(RepositoryFolder.Fixtures, name, "model"));
        foreach (TargetModule target in model.Modules.Targets.Where(target => target.Kind != TargetKind.Head
            || !model.Decoder.TiedEmbeddings))
        {
            WeightSource weight = model.Weight(target.Name + ".weight");
            (int rows, int columns) =
                target.Kind == TargetKind.Embedding ? (target.InFeatures, target.OutFeatures) : (target.OutFeatures, target.InFeatures);
            Assert.That((weight.Rows, weight.Columns), Is.EqualTo((rows, columns)), target.Name);
            Assert.That(weight.Format, Is.EqualTo(WeightFormat.Of(model.Decoder.WeightType)), target.Name);
        }

        Assert.That(model.Weight("model.norm.weight"), Has.Property("Rows").EqualTo(1).And.Property("Columns")
            .EqualTo(model.Decoder.HiddenSize));
        Assert.That(model.Decoder.EndOfSequence, Is.EqualTo(new[] { 2 }));
    }

    [Test]
    public void A_sequence_ends_where_the_generation_configuration_says()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", Config);
        folder.Write("model.safetensors", Weights([]));
        using (BaseModel model = BaseModel.Open(folder.Path))
        {
            Assert.That(model.Decoder.EndOfSequence, Is.EqualTo(new[] { 3 }));
        }

        folder.Write("generation_config.json", """{"eos_token_id":[2,0],"do_sample":false}""");
        using (BaseModel model = BaseModel.Open(folder.Path))
        {
            Assert.That(model.Decoder.EndOfSequence, Is.EqualTo(new[] { 2, 0 }));
        }
    }

    [Test]
    public void A_head_beside_tied_embeddings_must_be_the_embedding()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", Config);
        folder.Write("model.safetensors", Weights([("lm_head.weight", [5, 4], 1)]));
        BaseModel.Open(folder.Path).Dispose();

        folder.Write("model.safetensors", Weights([("lm_head.weight", [5, 4], 2)]));
        Refused(folder, "lm_head.weight", "differs from model.embed_tokens.weight");

        folder.Write("model.safetensors", Weights([("lm_head.weight", [5, 3], 1)]));
        Refused(folder, "lm_head.weight", "has shape [5, 3]");
    }

    [Test]
    public void A_head_beside_tied_embeddings_may_be_stored_in_a_wider_type()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", Config);
        // 0x0101 is what the embedding holds; the same value in fp32 has sixteen zero bits more.
        byte[] wide = [.. Enumerable.Repeat<byte[]>([0, 0, 1, 1], 20).SelectMany(bytes => bytes)];
        folder.Write("model.safetensors", Weights([], ("lm_head.weight", "F32", [5, 4], wide)));
        BaseModel.Open(folder.Path).Dispose();
        BaseModel.Open(folder.Path, access: ModelAccess.Read).Dispose();

        wide[^4] = 1;
        folder.Write("model.safetensors", Weights([], ("lm_head.weight", "F32", [5, 4], wide)));
        Refused(folder, "lm_head.weight", "differs from model.embed_tokens.weight at element 19");
    }

    [TestCase("model.layers.0.self_attn.q_proj.lora_A.weight", "matrix of an adapter")]
    [TestCase("model.layers.0.self_attn.q_proj.qweight", "quantized")]
    [TestCase("model.layers.0.self_attn.q_proj.scales", "quantized")]
    [TestCase("base_model.model.model.norm.weight", "merge_and_unload")]
    [TestCase("language_model.model.norm.weight", "images")]
    public void A_tensor_of_another_kind_of_checkpoint_is_told_what_it_is(string tensor, string mention)
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", Config);
        folder.Write("model.safetensors", Weights([(tensor, [4], 1)]));
        Refused(folder, tensor, mention);
    }

    [Test]
    public void Rotary_frequencies_of_old_files_are_passed_over()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", Config);
        folder.Write("model.safetensors", Weights([("model.layers.0.self_attn.rotary_emb.inv_freq", [1], 1)]));
        BaseModel.Open(folder.Path).Dispose();
    }

    [TestCase("model.layers.0.self_attn.q_proj.bias")]
    [TestCase("model.layers.0.self_attn.q_norm.weight")]
    [TestCase("model.layers.1.input_layernorm.weight")]
    [TestCase("model.embed_tokens.bias")]
    [TestCase("something")]
    public void A_tensor_that_the_decoder_does_not_use_is_refused(string tensor)
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", Config);
        folder.Write("model.safetensors", Weights([(tensor, [4], 1)]));
        Refused(folder, tensor, "belongs to no module");
    }

    [Test]
    public void Opening_reports_progress_and_can_be_cancelled()
    {
        string folder = Path.Combine(RepositoryFolder.Fixtures, "core-llama-bias", "model");
        var reports = new List<LoadProgress>();
        using (BaseModel model = BaseModel.Open(folder, new Direct(reports.Add)))
        {
            Assert.That(reports[^1], Is.EqualTo(new LoadProgress("weights", model.FileBytes, model.FileBytes)));
        }

        using var source = new CancellationTokenSource();
        Assert.That(
            () => BaseModel.Open(folder, new Direct(_ => source.Cancel()), source.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void A_folder_with_one_gguf_file_and_no_configuration_is_that_model()
    {
        using var folder = new TemporaryFolder();
        folder.Write("model.gguf", "GGUF");
        ModelLoadException error = Assert.Throws<ModelLoadException>(() => BaseModel.Open(folder.Path))!;
        Assert.That(error.Code, Is.EqualTo("model.file"));
        Assert.That(error.File, Is.EqualTo(Path.Combine(folder.Path, "model.gguf")));
    }

    private static IEnumerable<string> CoreFixtures() =>
        Directory.GetDirectories(RepositoryFolder.Fixtures, "core-*").Select(folder => Path.GetFileName(folder))
            .Order(StringComparer.Ordinal);

    private static void Refused(TemporaryFolder folder, string tensor, string mention)
    {
        ModelLoadException error = Assert.Throws<ModelLoadException>(() => BaseModel.Open(folder.Path))!;
        Assert.That(error.Kind, Is.EqualTo(LoadErrorKind.Tensor));
        Assert.That(error.Subject, Is.EqualTo(tensor));
        Assert.That(error.Message, Does.Contain(mention));
    }

    private static byte[] Weights(
        (string Name, long[] Shape, byte Value)[] more, params (string Name, string Dtype, long[] Shape, byte[] Data)[] others)
    {
        (string, long[], byte)[] needed =
        [
            ("model.embed_tokens.weight", [5, 4], 1),
            ("model.layers.0.input_layernorm.weight", [4], 1),
            ("model.layers.0.self_attn.q_proj.weight", [4, 4], 1),
            ("model.layers.0.self_attn.k_proj.weight", [4, 4], 1),
            ("model.layers.0.self_attn.v_proj.weight", [4, 4], 1),
            ("model.layers.0.self_attn.o_proj.weight", [4, 4], 1),
            ("model.layers.0.post_attention_layernorm.weight", [4], 1),
            ("model.layers.0.mlp.gate_proj.weight", [6, 4], 1),
            ("model.layers.0.mlp.up_proj.weight", [6, 4], 1),
            ("model.layers.0.mlp.down_proj.weight", [4, 6], 1),
            ("model.norm.weight", [4], 1),
        ];
        return SafetensorsWriter.Write([.. others, .. needed.Concat(more).Select(((string Name, long[] Shape, byte Value) tensor) => (
            tensor.Name, "BF16", tensor.Shape,
            Enumerable.Repeat(tensor.Value, (int)tensor.Shape.Aggregate(1L, (product, size) => product * size)
                * TensorType.BF16.ElementSize()).ToArray()))]);
    }

    private sealed class Direct(Action<LoadProgress> report) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => report(value);
    }
}
