using SLoRA.HuggingFace.Selection;

namespace SLoRA.HuggingFace.Tests.Selection;

public sealed class NeedsTests
{
    private static readonly HashSet<string> Pack =
    [
        "config.json", "model.safetensors", "model.bin", "tokenizer.json", "README.md", "adapters/de/adapter_config.json",
        "adapters/de/adapter_model.safetensors",
        "adapters/de/tokenizer.json", "adapters/de/deeper/adapter_model.safetensors",
    ];

    [Test]
    public void A_model_is_its_configuration_and_weights_and_what_lies_beside_them()
    {
        Needs needs = Of(HubFiles.Model, Pack);
        Assert.That(needs.Required, Is.EqualTo(["config.json", "model.safetensors"]));
        Assert.That(needs.Beside, Is.EqualTo(["tokenizer.json"]));
    }

    [Test]
    public void An_adapter_in_a_folder_is_what_lies_in_that_folder()
    {
        Needs needs = Of(HubFiles.Model.In("adapters/de"), Pack);
        Assert.That(needs.Required, Is.EqualTo(["adapters/de/adapter_config.json", "adapters/de/adapter_model.safetensors"]));
        Assert.That(needs.Beside, Is.EqualTo(["adapters/de/tokenizer.json"]));
    }

    [Test]
    public void An_adapter_of_MLX_is_its_file_where_there_is_none_of_PEFT()
    {
        HashSet<string> mlx = ["adapter_config.json", "adapters.safetensors", "0000100_adapters.safetensors"];
        Assert.That(Of(HubFiles.Model, mlx).Required, Is.EqualTo(["adapter_config.json", "adapters.safetensors"]));
        Assert.That(Of(HubFiles.Model, [.. mlx, "adapter_model.safetensors"]).Required,
            Is.EqualTo(["adapter_config.json", "adapter_model.safetensors"]));
    }

    [Test]
    public void Where_nothing_is_known_a_model_is_missing() =>
        Assert.That(Of(HubFiles.Model, []).Required, Is.EqualTo(["config.json", "model.safetensors"]));

    [Test]
    public void What_was_asked_for_by_its_path_is_required_and_what_is_left_out_is_not()
    {
        HubFiles files = HubFiles.Model.With("LICENSE", "*.md").Without("tokenizer.*");
        Needs needs = Of(files, Pack);
        Assert.That(needs.Required, Is.EqualTo(["LICENSE", "config.json", "model.safetensors"]));
        Assert.That(needs.Beside, Is.EqualTo(["README.md"]));
    }

    [Test]
    public void A_pattern_takes_no_pickle() =>
        Assert.That(Of(HubFiles.Matching("model.*"), Pack).Required, Is.EqualTo(["model.safetensors"]));

    private static Needs Of(HubFiles files, HashSet<string> known) => Needs.Of(files, known, _ => null);
}
